# shellcheck shell=bash
# Kafka in KRaft mode, broker and controller in one small JVM. Debian has no package of it; its jars come from Maven, once, into a cache.
# `services.sh` reads this file. A client of Kafka goes where the broker says it is, past every proxy; so a second listener says that it is
# where a test can put one: KAFKA_CUTTABLE=<where it listens>=<where it says it is>. A third (KAFKA_SECURE) speaks TLS, by a certificate
# that is its own authority (KAFKA_CA), and knows one user, `alice` with the password `alice-knows`.

kafka_version=4.3.1
kafka_jars=${XDG_CACHE_HOME:-$HOME/.cache}/ceilograph-tests/kafka-$kafka_version

kafka_program() { command -v java && command -v mvn && command -v openssl; }
kafka_package() { echo default-jre-headless maven openssl; }
kafka_fetch() { # FOLDER: what the broker needs at run time, some 45 jars
  ls "$kafka_jars"/kafka_2.13-*.jar >/dev/null 2>&1 && return
  say "fetching Kafka $kafka_version"
  local folder=$1/maven
  mkdir -p "$folder"
  cat >"$folder/pom.xml" <<POM
<project xmlns='http://maven.apache.org/POM/4.0.0'><modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version>
  </dependency></dependencies>
</project>
POM
  (cd "$folder" && mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$folder/jars") >>"$1/out.log" 2>&1 ||
    { say 'fetching Kafka failed:'; tail -5 "$1/out.log" >&2; return 1; }
  mkdir -p "$(dirname "$kafka_jars")"
  # Whoever fetches at the same time is welcome to have been first.
  mv -T "$folder/jars" "$kafka_jars" 2>/dev/null || ls "$kafka_jars"/kafka_2.13-*.jar >/dev/null
}
kafka_start() { # FOLDER PORT
  local folder=$1 port=$2 controller kafka behind proxy secure
  local plain=org.apache.kafka.common.security.plain.PlainLoginModule scram=org.apache.kafka.common.security.scram.ScramLoginModule
  controller=$(free_port) behind=$(free_port) proxy=$(free_port) secure=$(free_port)
  echo "$secure" >"$folder/secure.port"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
    -keyout "$folder/key.pem" -out "$folder/ca.pem" 2>>"$folder/out.log"
  cat "$folder/key.pem" "$folder/ca.pem" >"$folder/keystore.pem"
  echo "127.0.0.1:$behind=127.0.0.1:$proxy" >"$folder/cuttable"
  cat >"$folder/server.properties" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CUTTABLE:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
listeners=PLAINTEXT://127.0.0.1:$port,CUTTABLE://127.0.0.1:$behind,CONTROLLER://127.0.0.1:$controller,SECURE://127.0.0.1:$secure
advertised.listeners=PLAINTEXT://127.0.0.1:$port,CUTTABLE://127.0.0.1:$proxy,SECURE://127.0.0.1:$secure
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=$folder/keystore.pem
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config=$plain required user_alice="alice-knows";
listener.name.secure.scram-sha-256.sasl.jaas.config=$scram required;
listener.name.secure.scram-sha-512.sasl.jaas.config=$scram required;
log.dirs=$folder/logs
log.cleaner.enable=false
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
CONF
  kafka=(java -Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$kafka_jars/*")
  if [ ! -d "$folder/logs" ]; then
    (cd "$folder" && "${kafka[@]}" kafka.tools.StorageTool format --cluster-id="$(head -c16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22)" \
      -c server.properties -S 'SCRAM-SHA-256=[name=alice,password=alice-knows]' -S 'SCRAM-SHA-512=[name=alice,password=alice-knows]') >>"$folder/out.log" 2>&1 || { say 'formatting the log of Kafka failed:'; tail -5 "$folder/out.log" >&2; return 1; }
  fi
  launch "$folder" "${kafka[@]}" kafka.Kafka server.properties
}
kafka_exports() {
  echo "export KAFKA_BROKERS=127.0.0.1:$2"
  echo "export KAFKA_CUTTABLE=$(cat "$1/cuttable")"
  echo "export KAFKA_SECURE=127.0.0.1:$(cat "$1/secure.port")"
  echo "export KAFKA_CA=$1/ca.pem"
}

#!/usr/bin/env bash
# Real servers for the tests, each a private instance on free loopback ports that writes into one temporary folder.
#
#   services.sh start [NAME…]           start, print export lines (NAME: redis, rabbitmq, kafka, icinga2, postfix, postgres,
#                                       prometheus, pushgateway; default the first two; chromium, promtool, kubectl, systemd and
#                                       groff are only installed, and where they are is printed)
#   services.sh run [NAME…] -- COMMAND  start, run the command, always stop
#   services.sh stop [FOLDER]           end what `start` began (default $SERVICES_DIR)
#
#   eval "$(test/services/services.sh start rabbitmq)"; npx vitest run test/integration; test/services/services.sh stop
#
# A server whose URL is already in the environment (REDIS_URL, AMQP_URL, …) is used as it is, and must answer. A missing program is
# installed with apt-get when we are root. Ready means that the protocol answered, which is more than an open port.
set -euo pipefail
ready_seconds=${READY_SECONDS:-120}

say() { echo "services: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

answers() { # HOST PORT NAME: one byte of an answer to the first words of the protocol
  local hello
  case $3 in
    redis) hello='PING\r\n' ;;
    rabbitmq) hello='AMQP\0\0\11\1' ;;
    kafka) hello='\0\0\0\12\0\22\0\0\0\0\0\1\377\377' ;; # which requests it knows
    icinga2) hello='GET status\n\n' ;;
    postfix) hello='NOOP\r\n' ;;
    postgres) hello='\0\0\0\10\4\322\26\57' ;; # asks for TLS, and is told yes or no
    prometheus | pushgateway) hello='GET /-/ready HTTP/1.0\r\n\r\n' ;;
  esac
  # shellcheck disable=SC2016 # expanded by the inner shell
  [ "$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "$2" >&3 && head -c1 <&3 | wc -c' "$1" "$2" "$hello" 2>/dev/null)" = 1 ]
}

free_port() { # below the ephemeral range, so that no outgoing connection takes it meanwhile; each at most once per folder
  local port
  for _ in $(seq 200); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
    mkdir "$SERVICES_DIR/ports/$port" 2>/dev/null && echo "$port" && return
  done
  say 'no free port'
  return 1
}

apt_install() { # RUNLEVEL=1 keeps the system's own instance from starting; the lock may be held by another install
  [ "$(id -u)" = 0 ] && have apt-get || { say "cannot install $1: needs root and apt-get"; return 1; }
  local apt=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300)
  say "installing $*"
  {
    "${apt[@]}" install -y --no-install-recommends "$@" || { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; }
  } >>"$SERVICES_DIR/apt.log" 2>&1 || { say "installing $* failed:"; tail -5 "$SERVICES_DIR/apt.log" >&2; return 1; }
}

launch() { # FOLDER COMMAND…: in its own session and folder, holding none of our outputs (a pipe reading us would wait for it)
  local folder=$1
  shift
  (cd "$folder" && exec setsid "$@" >>out.log 2>&1 </dev/null) &
  echo $! >"$folder/main.pid"
}

redis_program() { command -v redis-server || command -v valkey-server; }
redis_package() { echo redis-server; }
redis_start() { # FOLDER PORT; fsync on every write, as the strict mode wants it
  launch "$1" "$(redis_program)" --bind 127.0.0.1 --port "$2" --save '' --appendonly yes --appendfsync always
}
redis_exports() { echo "export REDIS_URL=redis://127.0.0.1:$2/0"; }

# Debian's wrapper switches the user; the program underneath it runs as anyone.
rabbitmq_program() { dpkg -L rabbitmq-server 2>/dev/null | grep -E 'rabbitmq_server-[^/]*/sbin/rabbitmq-server$' || command -v rabbitmq-server; }
rabbitmq_package() { echo rabbitmq-server; }
rabbitmq_start() { # FOLDER PORT; own HOME (cookie), own epmd and node name: several nodes live side by side, root or not
  # RABBITMQ_HOME and RABBITMQ_EPMD: those of another node, so that the two can be joined.
  local folder=$1 port=$2 http epmd dist home=${RABBITMQ_HOME:-$1}
  http=$(free_port) epmd=${RABBITMQ_EPMD:-$(free_port)} dist=$(free_port)
  echo "$http" >"$folder/http.port"
  echo "$epmd" >"$folder/epmd.port"
  echo '[rabbitmq_management].' >"$folder/plugins"
  cat >"$folder/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$port
management.tcp.ip = 127.0.0.1
management.tcp.port = $http
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 64MB
CONF
  launch "$folder" env HOME="$home" RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_NODENAME="t$port@localhost" \
    ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd" RABBITMQ_DIST_PORT="$dist" RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf" \
    RABBITMQ_ADVANCED_CONFIG_FILE="$folder/none.config" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" \
    RABBITMQ_MNESIA_BASE="$folder/mnesia" RABBITMQ_LOG_BASE="$folder/log" RABBITMQ_PID_FILE="$folder/node.pid" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none' "$(rabbitmq_program)"
}
rabbitmq_exports() {
  echo "export AMQP_URL=amqp://guest:guest@127.0.0.1:$2/"
  echo "export RABBITMQ_HTTP_URL=http://guest:guest@127.0.0.1:$(cat "$1/http.port")"
}

# shellcheck source=test/services/kafka.sh
. "$(dirname "${BASH_SOURCE[0]}")/kafka.sh"
# shellcheck source=test/services/icinga2.sh
. "$(dirname "${BASH_SOURCE[0]}")/icinga2.sh"
# shellcheck source=test/services/postfix.sh
. "$(dirname "${BASH_SOURCE[0]}")/postfix.sh"
postgres_program() { local found; for found in /usr/lib/postgresql/*/bin/postgres; do [ -x "$found" ] && echo "$found" && return; done; command -v postgres; }
postgres_package() { echo postgresql; }
postgres_start() { # FOLDER PORT; it refuses to run as root, and works in its data folder, so a shell stays behind in ours
  local folder=$1 bin as=()
  bin=$(dirname "$(readlink -f "$(postgres_program)")")
  mkdir -p "$folder/data"
  if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    chown postgres "$folder/data"
    chmod 711 "$SERVICES_DIR" "$folder"
  fi
  (cd / && "${as[@]}" "$bin/initdb" -D "$folder/data" -U tester --auth=trust -E UTF8 --locale=C --no-sync) >>"$folder/out.log" 2>&1 ||
    { say "initdb failed (the user postgres must be able to enter $SERVICES_DIR):"; tail -5 "$folder/out.log" >&2; return 1; }
  # shellcheck disable=SC2016 # expanded by the inner shell
  launch "$folder" bash -c '"$@" & wait' _ "${as[@]}" "$bin/postgres" -D "$folder/data" -p "$2" -k '' \
    -c listen_addresses=127.0.0.1 -c max_connections=50 -c shared_buffers=32MB
}
postgres_exports() { echo "export POSTGRES_URL=postgresql://tester@127.0.0.1:$2/postgres"; }

prometheus_program() { command -v prometheus; }
prometheus_package() { echo prometheus; }
prometheus_start() {
  printf 'global: {}\n' >"$1/prometheus.yml"
  launch "$1" "$(prometheus_program)" --config.file="$1/prometheus.yml" --storage.tsdb.path="$1/data" --web.listen-address="127.0.0.1:$2" \
    --web.enable-remote-write-receiver --log.level=warn
}
prometheus_exports() { echo "export PROMETHEUS_URL=http://127.0.0.1:$2"; }

pushgateway_program() { command -v prometheus-pushgateway || command -v pushgateway; }
pushgateway_package() { echo prometheus-pushgateway; }
pushgateway_start() { launch "$1" "$(pushgateway_program)" --web.listen-address="127.0.0.1:$2" --log.level=warn; }
pushgateway_exports() { echo "export PUSHGATEWAY_URL=http://127.0.0.1:$2"; }

# Programs that tests start themselves: there they are, and nothing runs.
chromium_program() { command -v chromium || command -v chromium-browser; }
chromium_package() { echo chromium; }
promtool_program() { command -v promtool; }
promtool_package() { echo prometheus; }
kubectl_program() { command -v kubectl; }
kubectl_package() { echo kubernetes-client; }
systemd_program() { command -v systemd-notify; }
systemd_package() { echo systemd; }
groff_program() { command -v groff; }
groff_package() { echo groff; }

wait_ready() { # NAME FOLDER PORT: fails at once when the process has ended
  local end=$((SECONDS + ready_seconds))
  until answers 127.0.0.1 "$3" "$1"; do
    [ "$SECONDS" -lt "$end" ] && kill -0 "$(cat "$2/main.pid")" 2>/dev/null || return 1
    sleep 0.1
  done
}

from_environment() { # NAME VARIABLE DEFAULT_PORT FOLDER
  local url=${!2}
  [[ $url =~ ^([a-z]+://)?([^@/]*@)?([^:/,]+)(:([0-9]+))? ]] || { say "$2 is no URL"; return 1; }
  answers "${BASH_REMATCH[3]}" "${BASH_REMATCH[5]:-$3}" "$1" || { say "$2 is set, but nothing speaks $1 there"; return 1; }
  printf 'export %s=%q\n' "$2" "$url" >"$4/exports"
}

ensure() { # NAME: leaves its export lines in NAME/exports
  local name=$1 folder=$SERVICES_DIR/$1 variable default port
  case $name in
    redis) variable=REDIS_URL default=6379 ;;
    rabbitmq) variable=AMQP_URL default=5672 ;;
    kafka) variable=KAFKA_BROKERS default=9092 ;;
    icinga2) variable=LIVESTATUS_URL default=6557 ;;
    postfix) variable=SMTP_URL default=25 ;;
    postgres) variable=POSTGRES_URL default=5432 ;;
    prometheus) variable=PROMETHEUS_URL default=9090 ;;
    pushgateway) variable=PUSHGATEWAY_URL default=9091 ;;
    chromium) variable=CHROMIUM default=program ;;
    promtool) variable=PROMTOOL default=program ;;
    kubectl) variable=KUBECTL default=program ;;
    systemd) variable=SYSTEMD_NOTIFY default=program ;;
    groff) variable=GROFF default=program ;;
    *) say "unknown service: $name"; return 1 ;;
  esac
  mkdir -p "$folder"
  if [ "$default" = program ]; then
    "${name}_program" >/dev/null || apt_install "$("${name}_package")" || return 1
    printf 'export %s=%q\n' "$variable" "$("${name}_program")" >"$folder/exports"
    return
  fi
  if [ -n "${!variable:-}" ]; then from_environment "$name" "$variable" "$default" "$folder"; return; fi
  # shellcheck disable=SC2046 # a server may be several packages
  "${name}_program" >/dev/null || apt_install $("${name}_package") || return 1
  if declare -F "${name}_fetch" >/dev/null; then "${name}_fetch" "$folder" || return 1; fi
  for _ in 1 2; do # again on other ports, should somebody have taken one meanwhile
    port=$(free_port)
    "${name}_start" "$folder" "$port"
    if wait_ready "$name" "$folder" "$port"; then
      "${name}_exports" "$folder" "$port" >"$folder/exports"
      return
    fi
    stop_one "$folder"
  done
  say "$name did not start; the end of its log:"
  tail -5 "$folder/out.log" >&2
  return 1
}

start() {
  [ $# -gt 0 ] || set -- redis rabbitmq
  SERVICES_DIR=$(mktemp -d "${TMPDIR:-/tmp}/ceilograph-services.XXXXXX")
  export SERVICES_DIR
  mkdir "$SERVICES_DIR/ports"
  local pids=() failed=0 name pid
  for name in "$@"; do ensure "$name" & pids+=($!); done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  echo "export SERVICES_DIR=$SERVICES_DIR"
  cat "$SERVICES_DIR"/*/exports 2>/dev/null || true
  [ $failed = 0 ] || { echo false; return 1; } # `false` makes eval "$(… start)" fail too
}

stop_one() { # FOLDER: only a process that still runs in it is ours; its data is thrown away, so -9 will do
  local folder=$1 pid
  if [ -f "$folder/main.pid" ]; then
    pid=$(cat "$folder/main.pid")
    if [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f "$folder")" ]; then kill -9 -- "-$pid" 2>/dev/null || true; fi
    rm -f "$folder/main.pid"
  fi
  # so is Postfix's master, whose own file says which it is; its children go with it
  if [ -f "$folder/queue/pid/master.pid" ]; then kill "$(tr -d ' ' <"$folder/queue/pid/master.pid")" 2>/dev/null || true; fi
  # epmd is a daemon of its own session and outlives the node; it leaves only when no node is registered any more
  if [ -f "$folder/epmd.port" ] && have epmd; then
    sleep 0.2
    ERL_EPMD_PORT=$(cat "$folder/epmd.port") epmd -kill >/dev/null 2>&1 || true
  fi
}

stop() {
  [ -d "${SERVICES_DIR:-}/ports" ] || { say 'SERVICES_DIR names no folder of ours'; return 1; }
  local folder
  for folder in "$SERVICES_DIR"/*/; do stop_one "${folder%/}"; done
  rm -rf "${SERVICES_DIR:?}"
}

run() {
  local wanted=() exports
  while [ $# -gt 0 ] && [ "$1" != -- ]; do wanted+=("$1"); shift; done
  [ $# -gt 1 ] || { say 'run: no command after --'; return 2; }
  shift
  exports=$(mktemp)
  # shellcheck disable=SC2064 # the name is wanted as it is now
  trap "stop || true; rm -f '$exports'" EXIT
  trap 'exit 130' INT TERM
  start "${wanted[@]}" >"$exports"
  # shellcheck source=/dev/null
  . "$exports"
  # In the background, because bash runs no trap while a command is in the foreground: who ends us ends the command too.
  local child rc=0
  "$@" <&0 &
  child=$!
  trap 'kill -TERM "$child" 2>/dev/null || true' INT TERM
  wait "$child" || rc=$?
  if kill -0 "$child" 2>/dev/null; then wait "$child" || rc=$?; fi # a trap interrupts the first wait
  return "$rc"
}

action=${1:-}
shift || true
case $action in
  start) start "$@" ;;
  run) run "$@" ;;
  stop) SERVICES_DIR=${1:-${SERVICES_DIR:-}}; stop ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

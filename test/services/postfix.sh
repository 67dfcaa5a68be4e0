# Postfix on loopback from a folder of its own, which takes mails and throws them away; sourced by services.sh. It runs as root only.
# shellcheck shell=bash

postfix_program() { PATH=$PATH:/usr/sbin command -v postfix; }
postfix_package() { echo postfix; }

postfix_start() { # FOLDER PORT; its processes leave root, so they must get into the folder
  local folder=$1 port=$2
  chmod 711 "$SERVICES_DIR"
  mkdir -p "$folder/etc" "$folder/queue" "$folder/data"
  chown postfix "$folder/data"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=postfix -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
  sed -E "s/^smtp +inet .*/127.0.0.1:$port inet n - n - - smtpd/; s/^([a-z0-9-]+ +(unix|fifo) +[^ ]+ +[^ ]+ +)y/\1n/" \
    /etc/postfix/master.cf.proto >"$folder/etc/master.cf"
  cat >"$folder/etc/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
maillog_file = $folder/mail.log
maillog_file_prefixes = $folder
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
mydestination =
default_transport = discard:
disable_dns_lookups = yes
alias_maps =
message_size_limit = 200000
smtpd_tls_security_level = may
smtpd_tls_cert_file = $folder/cert.pem
smtpd_tls_key_file = $folder/key.pem
smtpd_recipient_limit = 20
smtpd_recipient_overshoot_limit = 1000
smtpd_recipient_restrictions = check_recipient_access inline:{ {hard@sink.test=550 5.1.1 no such user} {soft@sink.test=450 4.2.0 greylisted} {full@sink.test=452 4.2.2 mailbox full} } permit_mynetworks reject
CONF
  launch "$folder" "$(postfix_program)" -c "$folder/etc" start-fg
}

postfix_exports() { # FOLDER PORT
  echo "export SMTP_URL=smtp://127.0.0.1:$2"
  echo "export POSTFIX_DIR=$1"
}

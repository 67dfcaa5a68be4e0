# shellcheck shell=bash
# A real Livestatus server for services.sh: Icinga 2 with its feature livestatus, on TCP and on a UNIX socket.
#
# In its folder: live.sock, and `beats`, to which a check of its own appends a line each second: who blocks the workers of this server stops
# its checks as well, and that shows there. ICINGA2_HOSTS and ICINGA2_SERVICES (per host) say how much it watches.

icinga2_program() { command -v icinga2; }
icinga2_package() { echo icinga2-bin icinga2-common; }

icinga2_user() { # it refuses to run as root, so that its folder must be another's
  if [ "$(id -u)" != 0 ]; then id -un; elif getent passwd nagios >/dev/null; then echo nagios; else echo icinga; fi
}

icinga2_start() { # FOLDER PORT
  local folder=$1 port=$2 user group name
  user=$(icinga2_user) group=$(id -gn "$(icinga2_user)")
  mkdir -p "$folder"/{data,log/compat/archives,cache,run,spool}
  icinga2_objects "$folder" "$port" >"$folder/icinga2.conf"
  if [ "$(id -u)" = 0 ]; then
    local above=$SERVICES_DIR
    while [ "$above" != / ]; do # its user must come through
      chmod a+x "$above"
      above=$(dirname "$above")
    done
    chown -R "$user:$group" "$folder"
  fi
  local places=()
  for name in Data:data Log:log Cache:cache InitRun:run Spool:spool; do places+=(-D "${name%%:*}Dir=$folder/${name#*:}"); done
  launch "$folder" env ICINGA2_USER="$user" ICINGA2_GROUP="$group" "$(icinga2_program)" daemon "${places[@]}" \
    -D "PidPath=$folder/run/icinga2.pid" -D "StatePath=$folder/data/state" -D "ObjectsPath=$folder/cache/objects" \
    -D "VarsPath=$folder/cache/vars" -D "ModAttrPath=$folder/data/modified.conf" -c "$folder/icinga2.conf"
}

icinga2_objects() { # FOLDER PORT
  cat <<CONF
include <itl>
const NodeName = "peer"
const ZoneName = NodeName
object Endpoint NodeName {}
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" {}
object NotificationComponent "notification" {}
object FileLogger "main" { severity = "warning"; path = "$1/log/main.log" }
object ExternalCommandListener "command" { command_path = "$1/run/icinga2.cmd" }
object LivestatusListener "tcp" { socket_type = "tcp"; bind_host = "127.0.0.1"; bind_port = $2; compat_log_path = "$1/log/compat" }
object LivestatusListener "unix" { socket_type = "unix"; socket_path = "$1/live.sock"; compat_log_path = "$1/log/compat" }
object UserGroup "ops" {}
object User "alice" { groups = [ "ops" ]; email = "alice@example.invalid" }
object HostGroup "all" { assign where true }
object ServiceGroup "disk" { assign where match("disk*", service.name) }
object TimePeriod "24x7" { ranges = { monday = "00:00-24:00" } }
object CheckCommand "beat" { command = [ "/bin/sh", "-c", "date +%s >> $1/beats" ] }
object Host "beat" { check_command = "beat"; check_interval = 1s; retry_interval = 1s; max_check_attempts = 1 }
template Host "watched" { check_command = "dummy"; check_interval = 10s; retry_interval = 5s }
template Service "watched" { check_command = "dummy"; check_interval = 10s; retry_interval = 5s }
CONF
  local h s name
  for h in $(seq "${ICINGA2_HOSTS:-20}"); do
    echo "object Host \"host$h\" { import \"watched\"; address = \"127.0.0.$h\"; vars.dummy_state = $((h % 5 == 0 ? 2 : 0)); vars.dummy_text = \"host $h äöü;|\\\"quoted\\\"\" }"
    for s in $(seq "${ICINGA2_SERVICES:-5}"); do
      [ $((s % 2)) = 0 ] && name=disk$s || name=cpu$s
      echo "object Service \"$name\" { import \"watched\"; host_name = \"host$h\"; vars.dummy_state = $(((h + s) % 4)); vars.dummy_text = \"$name of $h | load=$s;5;10\" }"
    done
  done
}

icinga2_exports() { # FOLDER PORT
  echo "export LIVESTATUS_URL=livestatus://127.0.0.1:$2"
  echo "export LIVESTATUS_FOLDER=$1"
}

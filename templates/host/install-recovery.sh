#!/usr/bin/env bash
# Makes the host take recovery points by itself: its programs, its command, its timers. Run by apply.sh from the release's
# folder `recovery`. Safe to run again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=/opt/aihub/tools

# write PATH [MODE]: takes the content from standard input; who runs it sees the old one or the new one, whole.
write() {
    cat >"$1.new"
    chmod "${2:-0644}" "$1.new"
    mv "$1.new" "$1"
}

# take IMAGE PATH NAME: a program out of an image. The host's own packages have none of them, or none that is new enough.
take() {
    local image=$1 path=$2 name=$3 container id
    id=$(docker image inspect --format '{{ .Id }}' "$image")
    if [ -x "$tools/$name" ] && [ "$(cat "$tools/$name.image" 2>/dev/null)" = "$id" ]; then return; fi
    container=$(docker create --network none "$image" true)
    docker cp --follow-link "$container:$path" "$tools/$name.new" >/dev/null || {
        docker rm "$container" >/dev/null
        return 1
    }
    docker rm "$container" >/dev/null
    chmod 0755 "$tools/$name.new"
    # A program that runs keeps its file.
    mv "$tools/$name.new" "$tools/$name"
    printf '%s\n' "$id" >"$tools/$name.image"
}

install -d -m 0755 "$tools"
while IFS=$'\t' read -r name path image; do take "$image" "$path" "$name"; done <"$here/tools.tsv"

write /usr/local/sbin/aihub-recovery 0755 <<'COMMAND'
#!/bin/sh
exec /opt/aihub/tools/node --disable-warning=ExperimentalWarning "${AIHUB_RECOVERY:-/opt/aihub/current/recovery/main.mjs}" "$@"
COMMAND

# The workspace is pushed by the host's own git. Without it the hub runs all the same and says that it is missing.
if grep -q '"gitUrl":' "$here/settings.json" && ! { command -v git && command -v ssh; } >/dev/null; then
    echo "installing git openssh-client"
    tries=0
    # A host's own updates may hold the package lock for minutes.
    until { timeout 300 apt-get -o DPkg::Lock::Timeout=240 -qq update &&
        DEBIAN_FRONTEND=noninteractive timeout 900 apt-get -o DPkg::Lock::Timeout=240 -qq install --yes --no-install-recommends git openssh-client; } >/var/log/aihub-git.log 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -ge 4 ]; then
            echo "aihub: cannot install git, so the workspace is not pushed: $(tail -n 3 /var/log/aihub-git.log | cut -c1-300)"
            echo "  fix: check that the host reaches its package archive, then npm start"
            break
        fi
        sleep $((tries * 5))
    done
fi

# unit NAME WHAT COMMAND TIMEOUT CALENDAR
unit() {
    write "/etc/systemd/system/$1.service" <<UNIT
[Unit]
Description=$2
Requires=aihub-data.service
After=aihub-data.service docker.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/aihub-recovery $3
TimeoutStartSec=$4
# The hub comes first.
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
MemoryMax=1G
Environment=GOGC=50 HOME=/root
UNIT
    write "/etc/systemd/system/$1.timer" <<UNIT
[Unit]
Description=$2

[Timer]
OnCalendar=$5
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
UNIT
}

every=$(sed -n 's/^ *"everyMinutes": \([0-9]*\),*$/\1/p' "$here/settings.json")
nightly=$(sed -n 's/^ *"nightlyAt": "\([0-9:]*\)",*$/\1/p' "$here/settings.json")
unit aihub-point "Recovery point of the hub" "point --reason scheduled --skip-when-busy" 3h "*:$([ "$every" = 60 ] && echo 00 || echo "0/$every")"
unit aihub-nightly "The night's recovery point, its proof, and what is no longer kept" nightly 12h "*-*-* $nightly:00"

# systemd leaves out a time that does not exist, as in the night that summer time begins: an hour later is seen whether it did.
# Seen late, it starts the night's work once more, which does no harm.
write /etc/systemd/system/aihub-nightly-late.service <<UNIT
[Unit]
Description=The night's recovery point, in a night without its time

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'test "\$\$(date -d "1 hour ago" +%%H:%%M)" = $nightly || exec systemctl start --no-block aihub-nightly.service'
UNIT
write /etc/systemd/system/aihub-nightly-late.timer <<UNIT
[Unit]
Description=The night's recovery point, in a night without its time

[Timer]
OnCalendar=*-*-* $(printf '%02d' $(((10#${nightly%:*} + 1) % 24))):${nightly#*:}:00
AccuracySec=1s

[Install]
WantedBy=timers.target
UNIT

# What was begun and not ended is ended before anybody uses the hub: the data first, then what a change left (aihub-resume), and
# whoever only lost his connection does not wait for the next boot.
write /etc/systemd/system/aihub-unfinished.service <<'UNIT'
[Unit]
Description=End what a restore or an upgrade had begun
Requires=aihub-data.service docker.service
After=aihub-data.service docker.service
Before=aihub-resume.service
ConditionPathExists=/data/hub/recovery/operation.json

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/aihub-recovery resume --skip-when-busy
TimeoutStartSec=2h

[Install]
WantedBy=multi-user.target
UNIT
write /etc/systemd/system/aihub-unfinished.timer <<'UNIT'
[Unit]
Description=End what a restore or an upgrade had begun

[Timer]
OnCalendar=*:0/2
AccuracySec=1s

[Install]
WantedBy=timers.target
UNIT
systemctl daemon-reload
systemctl enable --quiet aihub-unfinished.service
systemctl enable --quiet --now aihub-unfinished.timer
timers=(aihub-point.timer aihub-nightly.timer aihub-nightly-late.timer)
if grep -q '"enabled": true' "$here/settings.json"; then
    systemctl enable --quiet --now "${timers[@]}"
    systemctl restart "${timers[@]}"
else
    systemctl disable --quiet --now "${timers[@]}"
fi

# What is told at once: that there is no escrow yet, for one.
/usr/local/sbin/aihub-recovery status >/dev/null || true

#!/usr/bin/env bash
# Tells the hub's server how its host is, in a file: no container gets Docker's socket. Argument: once, or nothing to go on
# every 15 seconds. The shape is HostReport in hub-server/status/host-report.ts.
set -euo pipefail
umask 027

folder=${AIHUB_STATUS_FOLDER:-/data/hub/status}
releases=${AIHUB_RELEASES:-/data/hub/releases.jsonl}
volume=${AIHUB_VOLUME:-/data}
root=${AIHUB_ROOT:-/opt/aihub}
cache=${AIHUB_UPDATES_CACHE:-/run/aihub-updates}
packages=${AIHUB_PACKAGES:-/var/lib/dpkg/status}
project=aihub
# Group of the hub's server.
reader=1000

# Docker writes the JSON, so whatever a name holds is escaped.
fields='{{.State.Pid}} {{.HostConfig.Memory}} {"service":{{json (index .Config.Labels "com.docker.compose.service")}},"image":{{json .Config.Image}},"state":{{json .State.Status}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}},"startedAt":{{json .State.StartedAt}},"restarts":{{.RestartCount}}'

# memory_of PID: bytes in use without the page cache that can go, as Docker counts; null when nobody can tell.
memory_of() {
    local line path place used="" idle=0
    while IFS= read -r line; do
        case $line in
        0::*) path=/sys/fs/cgroup${line#0::} ;;
        *:memory:*) path=/sys/fs/cgroup/memory${line#*:memory:} ;;
        *) continue ;;
        esac
        for place in memory.current memory.usage_in_bytes; do
            if [ -r "$path/$place" ]; then
                used=$(<"$path/$place")
                idle=$(sed -n 's/^\(total_\)\{0,1\}inactive_file //p' "$path/memory.stat" | tail -n 1)
            fi
        done
    done 2>/dev/null <"/proc/$1/cgroup" || true
    if [ -n "$used" ]; then printf '%s' $((used > idle ? used - idle : used)); else printf null; fi
}

# An array of containers; null when Docker does not answer.
containers() {
    local ids list pid limit rest used comma=""
    ids=$(timeout 10 docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
        --filter label=com.docker.compose.oneoff=False 2>/dev/null) || { printf null; return; }
    if [ -z "$ids" ]; then printf '[]'; return; fi
    # One that has just gone makes it fail; the others are told all the same.
    # shellcheck disable=SC2086
    list=$(timeout 10 docker inspect --format "$fields" $ids 2>/dev/null) || true
    if [ -z "$list" ]; then printf null; return; fi
    printf '['
    while read -r pid limit rest; do
        used=null
        if [ "$pid" != 0 ]; then used=$(memory_of "$pid"); fi
        printf '%s%s,"memory":{"used":%s,"limit":%s}}' "$comma" "$rest" "$used" "$limit"
        comma=,
    done <<<"$list"
    printf ']'
}

# disk PATH: size and use in bytes.
disk() {
    local size used
    read -r size used < <(df --block-size=1 --output=size,used "$1" 2>/dev/null | tail -n 1) || true
    if [ -n "${used:-}" ]; then printf '{"size":%s,"used":%s}' "$size" "$used"; else printf null; fi
}

memory() {
    awk '/^MemTotal:/ { total = $2 * 1024 } /^MemAvailable:/ { free = $2 * 1024 }
        END { printf "{\"total\":%.0f,\"used\":%.0f}", total, total - free }' /proc/meminfo
}

load() {
    local one five fifteen rest
    read -r one five fifteen rest </proc/loadavg
    printf '[%s,%s,%s]' "$one" "$five" "$fifteen"
}

# Counting takes seconds of a processor, so it is done every hour, and whenever packages changed; sooner where it did not come to
# its end, as on a host at work.
uncounted() {
    local minutes=60
    command -v apt-get >/dev/null || return 1
    if [ "$(cat "$cache" 2>/dev/null)" = null ]; then minutes=5; fi
    [ -z "$(find "$cache" -mmin "-$minutes" -newer "$packages" 2>/dev/null)" ]
}

count_updates() {
    local next=$cache.$BASHPID
    timeout 60 nice -n 19 apt-get --simulate -o Debug::NoLocking=true dist-upgrade 2>/dev/null |
        grep -c '^Inst ' >"$next" || [ "${PIPESTATUS[0]}" = 0 ] || echo null >"$next"
    mv "$next" "$cache"
}

# What was counted last.
updates() {
    local count reboot=false
    count=$(cat "$cache" 2>/dev/null || echo null)
    if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then reboot=true; fi
    printf '{"packages":%s,"reboot":%s}' "$count" "$reboot"
}

# give NAME: takes the content from standard input; who reads sees the old file or the new one, whole, also on a full disk.
give() {
    local next=$folder/$1.$$
    cat >"$next" && chgrp "$reader" "$next" && chmod 0640 "$next" && mv "$next" "$folder/$1" && return 0
    rm -f "$next"
    return 1
}

report() {
    local release
    # Never onto the bare folder: what is written there would lie under the volume.
    if [ "$volume" = /data ] && ! mountpoint -q /data; then return 1; fi
    [ -d "$folder" ] || return 1
    release=$(basename "$(readlink -f "$root/current")")
    printf '{"time":"%s","release":"%s","containers":%s,"memory":%s,"load":%s,"disk":%s,"volume":%s,"updates":%s}\n' \
        "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${release//[^0-9a-z]/}" "$(containers)" "$(memory)" "$(load)" \
        "$(disk /)" "$(disk "$volume")" "$(updates)" | give host.json
    if [ -f "$releases" ] && ! cmp -s "$releases" "$folder/releases.jsonl"; then give releases.jsonl <"$releases"; fi
}

if [ "${1:-}" = once ]; then
    if uncounted; then count_updates; fi
    report
    exit
fi
rm -f "$folder"/*.[0-9]*
counting=
while :; do
    # Beside the reports: one that waited for it would be old when it comes.
    if uncounted && ! { [ -n "$counting" ] && kill -0 "$counting" 2>/dev/null; }; then
        count_updates &
        counting=$!
    fi
    # Each round by itself: one that fails is followed by the next.
    (report) || true
    sleep 15
done

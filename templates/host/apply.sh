#!/usr/bin/env bash
# Makes the host run this release: verify, fetch and build, switch, wait until healthy, else switch back.
# Run by the program over SSH from the release's own folder. Safe to run again at any time.
set -euo pipefail

root=/opt/aihub
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
digest=$(basename "$here")
secrets=$root/secrets/current.env
current=$root/current
project=aihub
# By it the doors are seen while they are closed to everybody else (recovery/upgrade/door.ts).
probe_header=/data/hub/recovery/probe-header
# Image that the chat's data have seen last.
chat_image=/data/hub/recovery/chat-image
upgrading=

say() { printf '%s\n' "$*"; }

# note OUTCOME [REASON]: the home page shows it. A log that cannot be written stops no rollout.
note() {
    mountpoint -q /data || return 0
    mkdir -p /data/hub
    "$here/record-release.sh" /data/hub/releases.jsonl "$digest" "$@" || say "  the log of rollouts cannot be written"
}

fail() {
    note refused "$1"
    say "aihub: $1"
    if [ $# -gt 1 ]; then say "  fix: $2"; fi
    exit 1
}

# compose RELEASE_FOLDER SECRETS_FILE ARGUMENTS...
compose() {
    local release=$1 with=$2
    shift 2
    docker compose --progress quiet --project-name "$project" --file "$release/compose.yaml" --env-file "$with" "$@"
}

# Prints what a failing service last said, each line cut short: the caller reads lines of bounded length only.
show_failures() {
    local name state
    while IFS=$'\t' read -r name state; do
        [ -n "$name" ] || continue
        say "  $name: $state; its last words:"
        docker logs --tail 15 "$name" 2>&1 | cut -c1-300 | sed 's/^/    /' || true
    done < <(docker ps --all --filter "label=com.docker.compose.project=$project" \
        --format '{{.Names}}\t{{.Status}}' | grep -Ev $'\t''Up [^(]*\(healthy\)' | grep -v -- '-setup-' || true)
}

check_volume() {
    if ! mountpoint -q /data || [ ! -f /data/.aihub-volume ]; then
        fail "the data volume is not mounted at /data, so nothing is started" \
            "systemctl status aihub-data.service on the host shows why"
    fi
}

install_store() {
    local folder target
    mkdir -p "$root/store"
    for folder in "$here"/store/*/; do
        target=$root/store/$(basename "$folder")
        [ -d "$target" ] && continue
        rm -rf "$target.new"
        cp -a "$folder" "$target.new"
        mv "$target.new" "$target"
    done
}

make_folders() {
    local path owner mode
    while IFS=$'\t' read -r path owner mode; do
        if [ ! -d "$path" ]; then
            install -d -m "$mode" -o "${owner%:*}" -g "${owner#*:}" "$path"
        fi
    done <"$here/data.tsv"
}

check_compose() {
    local output
    output=$(compose "$here" "$secrets" --profile setup config --quiet 2>&1) ||
        fail "docker compose refuses the new compose file: $(cut -c1-600 <<<"$output")" \
            "correct templates/compose.yaml; the running release was not touched"
}

fetch_images() {
    local image output
    while read -r image; do
        docker image inspect "$image" >/dev/null 2>&1 && continue
        say "fetching $image"
        # prune.sh removes it once no release names it; also one that came by half.
        grep -qsxF "$image" "$root/fetched-images" || printf '%s\n' "$image" >>"$root/fetched-images"
        output=$(timeout 600 docker pull --quiet "$image" 2>&1) ||
            fail "cannot fetch the image $image: $(tail -n 3 <<<"$output" | cut -c1-300)" \
                "check its name and tag under aihub:images; the running release was not touched"
    done <"$here/images.txt"
}

build_images() {
    local name tag rest output
    local -a arguments
    while IFS=$'\t' read -r name tag rest; do
        docker image inspect "$tag" >/dev/null 2>&1 && continue
        say "building $tag"
        arguments=()
        local pair
        IFS=$'\t' read -ra pairs <<<"$rest"
        for pair in "${pairs[@]}"; do arguments+=(--build-arg "$pair"); done
        output=$(timeout 600 docker build --quiet --tag "$tag" "${arguments[@]}" "$here/images/$name" 2>&1) ||
            fail "cannot build $tag: $(tail -n 5 <<<"$output" | cut -c1-300)"
    done <"$here/builds.tsv"
}

check_nginx() {
    local output
    output=$(compose "$here" "$secrets" run --rm --no-deps -T nginx \
        sh /etc/aihub/serve.sh check 2>&1 </dev/null) ||
        fail "nginx refuses its new configuration: $(tail -n 5 <<<"$output" | cut -c1-300)" \
            "correct templates/nginx/; the running release was not touched"
}

# start RELEASE_FOLDER SECRETS_FILE [SERVICE]: changes what runs to it, or one service alone; forward and back alike.
start() {
    "$here/switch.sh" "$@"
}

# Tried twice: it is safe to repeat, and a busy host now and then fails to start a container.
set_up() {
    local said
    said=$(set_up_once) && { printf '%s\n' "$said"; return 0; }
    sleep 5
    set_up_once
}

set_up_once() {
    # Tools that write to the chat wait until its data are sure to stay.
    timeout 300 docker compose --progress quiet --project-name "$project" --file "$here/compose.yaml" \
        --env-file "$secrets" --profile setup run --rm --no-deps -T ${upgrading:+--env CHAT_SERVER_TOOLS=off} \
        setup </dev/null 2>&1 | tail -n 20 | cut -c1-2000
}

# expect METHOD PATH ANSWER WHAT: asks through nginx as a stranger's browser asks. ANSWER is the status, then the start of where it
# leads, if anywhere. Right after a start an answer may be late.
expect() {
    local name answer tries=0
    local -a probe=()
    name=$(sed -n 's/^HOST_NAME=//p' "$here/probe.env")
    if [ -f "$probe_header" ]; then probe=(-H "@$probe_header"); fi
    while :; do
        answer=$(curl -ks --max-time 10 -o /dev/null -w '%{http_code} %{redirect_url}' --resolve "$name:443:127.0.0.1" \
            "${probe[@]}" -H 'Accept: text/html' -X "$1" "https://$name$2" || true)
        answer=${answer/https:\/\/$name/}
        [[ $answer == "$3"* ]] && return 0
        tries=$((tries + 1))
        [ "$tries" -lt 10 ] || break
        sleep 1
    done
    say "  https://$name$2 answers $answer to a stranger, not $3: $4"
    return 1
}

# A door that stands open is a failed release. An app behind one may answer with a redirect of its own, so where it leads counts.
check_doors() {
    local path
    for path in /files/ /code/ /hub/; do
        expect GET "$path" "302 /auth?redirect=" "the way to the login" || return 1
    done
    expect PROPFIND /files/ 401 "a refusal without a token" || return 1
    expect POST /mcp 401 "a refusal without a token" || return 1
    expect GET / 200 "the chat" || return 1
}

switch_back() {
    if [ ! -f "$current/compose.yaml" ]; then
        say "  there is no earlier release to go back to; the failed services are left for a look"
        return
    fi
    say "  switching back to release $(basename "$(readlink -f "$current")")"
    if start "$(readlink -f "$current")" "$root/secrets/applied.env"; then
        say "  the earlier release answers again"
    else
        say "  the earlier release does not get healthy either:"
        show_failures
    fi
}

refuse() {
    say "aihub: release $digest is not taken: $1"
    show_failures
    local away=
    if [ -n "$upgrading" ]; then take_back; else switch_back; fi
    note refused "$1$away"
    exit 1
}

# ---- an upgrade of the chat, which can be taken back with its data (recovery/upgrade, ADR 19) ----

# recovery ARGUMENTS...: this release's program, what it says cut to length.
recovery() {
    AIHUB_RECOVERY="$here/recovery/main.mjs" /usr/local/sbin/aihub-recovery "$@" 2>&1 | cut -c1-400
}

chat_image_of() {
    awk '/^  [a-z]/ { chat = $1 == "open-webui:" } chat && $1 == "image:" { print $2; exit }' "$1/compose.yaml" | tr -d "\"'"
}

# Sets seen. A restore looks after the data itself.
chat_changes() {
    [ -z "${AIHUB_OPERATION:-}" ] || return 1
    seen=$(cat "$chat_image" 2>/dev/null || { [ -f "$current/compose.yaml" ] && chat_image_of "$current"; } || true)
    [ -n "$seen" ] && [ "$seen" != "$(chat_image_of "$here")" ]
}

# Until the end nobody else takes a point, restores, or ends what is not unfinished. Before the other lock, as a restore does.
hold_recovery() {
    exec 8>/run/aihub-recovery.lock
    flock --wait 3600 8 || fail "a recovery point or a restore goes on" "wait for it to end and run again"
    export AIHUB_RECOVERY_LOCKED=1
}

upgrade_chat() {
    [ -x /usr/local/sbin/aihub-recovery ] ||
        fail "the chat's version changes from $seen and this host cannot bring its data back yet" \
            "npm run hub -- config set images.openWebui $seen, then npm start; then again without it"
    local said
    if ! said=$(recovery upgrade prepare --release "$here" --secrets "$secrets" --seen "$seen"); then
        printf '%s\n' "$said"
        fail "the chat is not upgraded: $(sed -n 's/^✘ //p' <<<"$said" | head -n 1)"
    fi
    printf '%s\n' "$said"
    upgrading=yes
    recovery upgrade stand-back || refuse "the chat's data cannot be set aside"
    # By itself, and first: nobody is served until it is ready.
    compose "$here" "$secrets" up --detach --quiet-pull open-webui 2>&1 | tail -n 5 | cut -c1-300 ||
        refuse "the new version of the chat cannot be started"
    recovery upgrade await || refuse "the new version of the chat does not get ready"
}

# Sets away.
take_back() {
    local said
    said=$(recovery upgrade take-back) || say "  the way back ended early; the host tries again by itself"
    printf '%s\n' "$said"
    away=$(grep -o '; it was away for [0-9]* s' <<<"$said" || true)
}

# From here on the way leads forward only: what fails is ended at the next occasion.
finish_upgrade() {
    local what
    what=$(recovery upgrade carry-through) || what="the door opens soon: $what"
    say "$what"
    note taken "$(tail -n 1 <<<"$what")"
    upgrading=
    set_up || say "  keys for the chat are handed out at the next rollout"
}

remember_chat() {
    chat_image_of "$here" >"$chat_image.new"
    mv "$chat_image.new" "$chat_image"
}

remember() {
    cp "$secrets" "$root/secrets/applied.env.new"
    mv "$root/secrets/applied.env.new" "$root/secrets/applied.env"
    ln -sfn "$here" "$current.new"
    mv -T "$current.new" "$current"
}

# The host tells the hub's server how it is, every few seconds.
start_reports() {
    local program=/usr/local/sbin/aihub-report unit=/etc/systemd/system/aihub-report.service
    cp "$here/report.sh" "$program.new"
    chmod 0755 "$program.new"
    mv "$program.new" "$program"
    # Not required by Docker nor the other way round: without one of them it says so.
    cat >"$unit" <<'UNIT'
[Unit]
Description=Report of the host for the hub's home page
After=aihub-data.service docker.service

[Service]
ExecStart=/usr/local/sbin/aihub-report
Restart=always
RestartSec=15
Nice=10

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable --quiet aihub-report.service
    systemctl restart aihub-report.service
}

# A change that the end of the host cuts off is ended at its next boot.
install_resume() {
    cp "$here/resume.sh" /usr/local/sbin/aihub-resume.new
    mv /usr/local/sbin/aihub-resume.new /usr/local/sbin/aihub-resume
    cat >/etc/systemd/system/aihub-resume.service <<'UNIT'
[Unit]
Description=End a change of the hub that was cut off
After=docker.service
Wants=docker.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/aihub-resume

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable --quiet aihub-resume.service
}

# What a restore or an upgrade had begun when it was killed is ended by the release that began it. That may need the lock.
end_unfinished() {
    # Run by one itself.
    [ -z "${AIHUB_OPERATION:-}" ] || return 0
    [ -f /data/hub/recovery/operation.json ] || return 0
    [ -x /usr/local/sbin/aihub-recovery ] || return 0
    local said
    { said=$(/usr/local/sbin/aihub-recovery resume 2>&1 | tee >(cat >&3)); } 3>&1 && return 0
    # One that a newer release began is known to the arriving one, if not to the running one.
    { grep -q 'this release' <<<"$said" && recovery resume; } ||
        fail "what a restore or an upgrade had begun cannot be ended" "the lines above say what to do; then run again"
}

main() {
    (cd "$here" && sha256sum --check --quiet --strict manifest.sha256) ||
        fail "release $digest did not arrive whole" "run again; it is uploaded anew"
    if chat_changes; then hold_recovery; fi
    end_unfinished
    exec 9>"$root/lock"
    flock --wait 60 9 || fail "another rollout or a restore is running on this host" "wait for it to end and run again"
    # What a restore that began meanwhile stops must stay so.
    if [ -z "${AIHUB_OPERATION:-}" ] && [ -f /data/hub/recovery/operation.json ]; then
        fail "a restore or an upgrade began meanwhile" "wait for it to end and run again"
    fi
    [ -f "$secrets" ] || fail "the host has no secrets yet ($secrets)"
    check_volume
    install_store
    make_folders
    check_compose
    fetch_images
    build_images
    check_nginx
    touch "$here"
    install_resume
    if chat_changes; then upgrade_chat; fi
    start "$here" "$secrets" || refuse "not every service got healthy"
    local report
    report=$(set_up) || refuse "Open WebUI could not be set up: $report"
    if [ -n "$upgrading" ]; then recovery upgrade verify || refuse "the new version of the chat is not as it must be"; fi
    check_doors || refuse "a door is not as it must be"
    remember
    remember_chat
    if [ -n "$upgrading" ]; then finish_upgrade; else note taken; fi
    "$here/recovery/install.sh" || say "  recovery points cannot be set up; npm run hub -- status tells whether any are taken"
    # A hub that runs is not refused for want of its report; the page says that there is none.
    start_reports || say "  the host's report cannot be started: systemctl status aihub-report.service"
    "$here/prune.sh" "$root" "$digest"
    say "release $digest runs; set-up: $report"
}

main

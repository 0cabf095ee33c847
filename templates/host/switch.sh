#!/usr/bin/env bash
# Changes what runs to a release, one service after the other: those that can serve twice at once without a gap, by a stand-in
# (ADR 17), the others by a stop and a start. Arguments: RELEASE_FOLDER SECRETS_FILE [SERVICE]; without a service all that differ.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=/opt/aihub
project=aihub
release=$1
secrets=$2
only=${3:-}

# In this order: who is needed comes first, the front door comes last.
order="postgres valkey open-webui mcp-server files code-server hub-server certbot nginx"

say() { printf '%s\n' "$*"; }

compose() {
    docker compose --progress quiet --project-name "$project" --file "$release/compose.yaml" --env-file "$secrets" "$@"
}

# shellcheck source=stand-in.sh
. "$here/stand-in.sh"

# Prints the services that do not run as the release says, by Compose's own word: the hash that it prints is not always the one
# that it compares.
differing() {
    local service services plan
    services=$(compose config --services)
    plan=$(timeout 120 docker compose --dry-run --progress plain --project-name "$project" --file "$release/compose.yaml" \
        --env-file "$secrets" up --detach 2>&1) || {
        # Where a service is stopped that another needs, as after a restore, it cannot foretell: then all are changed at once.
        say "  docker compose cannot say what changes, so all is changed at once: $(tail -n 1 <<<"$plan" | cut -c1-300)" >&2
        return 0
    }
    for service in $order; do
        grep -qx "$service" <<<"$services" || continue
        grep -Eq " $project-$service-1 +Running" <<<"$plan" || echo "$service"
    done
}

# up ARGUMENTS...: of services with what they need, or of all. Never --no-deps: what Compose makes by it counts as changed at the
# next time, if it needs another.
up() {
    compose up --detach --wait --wait-timeout 420 --quiet-pull "$@" 2>&1 | tail -n 20 | cut -c1-300
}

# Where it fails before the service itself is touched, the service goes on as it is.
change_beside() {
    local service=$1 old=$2
    start_stand_in "$service" || return 1
    case $service in
    nginx)
        lead_to "$stand_in" || say "  new connections cannot be led to nginx's stand-in; some will be refused"
        let_clients_go "$old"
        ;;
    hub-server)
        # It takes the socket when it is well; what was asked before that ends meanwhile.
        sleep 2
        ;;
    *)
        give_name "$stand_in" "$service"
        sleep "$names_known"
        drain "$old" "$(port_of "$service")"
        ;;
    esac
    # Until it is healthy the stand-in goes on.
    if [ "$service" = nginx ]; then
        up --timeout "$patience" nginx || return 1
    else
        up "$service" || return 1
    fi
    remove_stand_ins
}

change() {
    local service=$1 old began=$SECONDS how="with a pause"
    old=$(container "$service")
    case $service in
    nginx | hub-server | mcp-server | files | code-server)
        if [[ $(state_of "$old") != running* ]]; then
            up "$service" || return 1
        elif has_room "$old"; then
            change_beside "$service" "$old" || return 1
            how="without a gap"
        else
            say "  $service: too little memory is free for a second one beside it"
            up "$service" || return 1
        fi
        ;;
    *) up "$service" || return 1 ;;
    esac
    say "  $service changed in $((SECONDS - began)) s, $how"
    logger --tag aihub "$service changed in $((SECONDS - began)) s, $how" || true
}

# A host that is switched off meanwhile comes back with the release it took last (resume.sh).
touch "$root/changing"
if [ -n "$only" ]; then
    change "$only"
elif [ -n "$(docker ps --quiet --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.oneoff=False)" ]; then
    remove_stand_ins
    services=$(differing)
    for service in $services; do
        # What differed by what it needs alone is right once that was changed; a stand-in would take the door of a hub-server
        # that then is not made anew.
        still=$(differing)
        grep -qx "$service" <<<"$still" || continue
        change "$service" || exit 1
    done
fi
# What is new or gone altogether; the others run already. On a busy host one that was not touched may be late with its health.
if [ -z "$only" ]; then
    up --remove-orphans || { [ -n "${services:-}" ] && sleep 30 && up --remove-orphans; }
fi
remove_stand_ins
# A run that was cut off may have left the door with a stand-in that is gone.
[ -e /data/hub/door/hub.sock ] || up --force-recreate hub-server
rm -f "$root/changing"

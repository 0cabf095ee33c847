#!/usr/bin/env bash
# Stand-ins: a second container of a service that serves while the first is replaced (ADR 17). Read by switch.sh, which sets
# project, release, secrets and compose().

# Its label, its name's end and the comment of its rules: by it what a cut off change left is found.
mark=aihub-stand-in
# nginx asks Docker's name server anew after two seconds (templates/nginx/nginx.conf).
names_known=3
# Seconds that running requests get to end; streams that last longer are cut.
patience=30
# As the compose file publishes nginx.
published="80:8080 443:8443"
# Bytes that stay free beside a stand-in.
margin=$((128 * 1024 * 1024))

# container SERVICE: its container's id, or nothing.
container() {
    docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False | head -n 1
}

stand_ins() {
    docker ps --all --quiet --no-trunc --filter "label=$mark" --filter "label=com.docker.compose.project=$project"
}

state_of() {
    docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1" 2>/dev/null || echo gone
}

# port_of SERVICE: where nginx asks it.
port_of() {
    case $1 in
    mcp-server) echo 8000 ;;
    files) echo 5000 ;;
    code-server) echo 8443 ;;
    esac
}

# has_room CONTAINER: whether as much as it uses now is free once more.
has_room() {
    local used free
    used=$(docker stats --no-stream --format '{{.MemUsage}}' "$1" | cut -d/ -f1 | tr -d ' ' | numfmt --from=auto --suffix=B) ||
        return 1
    free=$(awk '/^MemAvailable:/ { printf "%.0f", $2 * 1024 }' "${AIHUB_MEMINFO:-/proc/meminfo}")
    [ "$free" -gt $((${used%B} + margin)) ]
}

# start_stand_in SERVICE: sets stand_in. It has no name that others find it by, so nobody asks it before it is healthy.
start_stand_in() {
    local service=$1 said tries=0
    stand_in=$project-$service-stand-in-$(date +%s)
    said=$(compose run --detach --no-deps -T --name "$stand_in" --label "$mark=$service" --env STAND_IN=yes \
        "$service" 2>&1 </dev/null) || {
        say "  no stand-in of $service can be started: $(tail -n 3 <<<"$said" | cut -c1-300)"
        return 1
    }
    while [ "$tries" -lt 360 ]; do
        case $(state_of "$stand_in") in
        "running healthy") return 0 ;;
        "running starting" | created*) ;;
        *) break ;;
        esac
        tries=$((tries + 1))
        sleep 0.5
    done
    say "  $service: its stand-in is $(state_of "$stand_in"); the running one was not touched. Its last words:"
    docker logs --tail 15 "$stand_in" 2>&1 | cut -c1-300 | sed 's/^/    /' || true
    docker rm --force --volumes "$stand_in" >/dev/null
    return 1
}

# give_name CONTAINER SERVICE: from now on it is found by the service's name, beside the other one.
give_name() {
    docker network disconnect "${project}_edge" "$1" && docker network connect --alias "$2" "${project}_edge" "$1"
}

# inside CONTAINER COMMAND...: the host's program in the container's network.
inside() {
    local pid
    pid=$(docker inspect --format '{{.State.Pid}}' "$1")
    shift
    nsenter --target "$pid" --net "$@"
}

# drain CONTAINER PORT: new connections are refused at once, so whoever asks takes the other address; running ones get time.
drain() {
    local waited=0
    inside "$1" iptables --wait 10 --insert INPUT ! --in-interface lo --protocol tcp --syn --destination-port "$2" \
        --jump REJECT --reject-with tcp-reset || say "  new connections cannot be kept from it; some may be cut"
    sleep 1
    while [ "$waited" -lt "$patience" ] && busy "$1" "$2"; do
        waited=$((waited + 1))
        sleep 1
    done
}

busy() {
    inside "$1" ss --no-header --numeric --tcp state established "( sport = :$2 )" | grep -qv '127\.0\.0\.1'
}

address_of() {
    docker inspect --format "{{(index .NetworkSettings.Networks \"${project}_edge\").IPAddress}}" "$1"
}

# lead_to CONTAINER: new connections to the hub's ports go there, ahead of Docker's own rules; running ones stay where they are.
lead_to() {
    local address chain pair
    address=$(address_of "$1")
    iptables --wait 10 --insert DOCKER-USER --protocol tcp --destination "$address" --match multiport \
        --destination-ports 8080,8443 --match comment --comment "$mark" --jump ACCEPT || return 1
    for chain in PREROUTING OUTPUT; do
        for pair in $published; do
            # 127.0.0.1 is served by Docker's own proxy, not by rules.
            iptables --wait 10 --table nat --insert "$chain" ! --destination 127.0.0.0/8 --protocol tcp \
                --match addrtype --dst-type LOCAL --destination-port "${pair%:*}" --match comment --comment "$mark" \
                --jump DNAT --to-destination "$address:${pair#*:}" || return 1
        done
    done
}

lead_back() {
    local table rule
    for table in nat filter; do
        # From "-A CHAIN ..." to "-D CHAIN ...".
        iptables --wait 10 --table "$table" --list-rules | grep -e "--comment \"\?$mark" | sed 's/^-A/-D/' |
            while read -r rule; do
                # shellcheck disable=SC2086
                iptables --wait 10 --table "$table" ${rule//\"/}
            done || true
    done
}

# An older nginx closes idle connections at once when it ends, under whoever is about to ask. So it first answers for as long as
# it lets any connection live; see serve.sh.
let_clients_go() {
    if docker exec "$1" grep -qs '^keepalive_time ' /tmp/tls/keepalive.conf; then sleep 11; fi
    sleep 1
}

# remove_stand_ins: of services that are healthy by themselves. Also what a change that was cut off left.
remove_stand_ins() {
    local each service
    for each in $(stand_ins); do
        service=$(docker inspect --format "{{index .Config.Labels \"$mark\"}}" "$each")
        [[ $(state_of "$(container "$service")") == "running healthy" ]] || continue
        case $service in
        nginx)
            lead_back
            let_clients_go "$each"
            ;;
        mcp-server | files | code-server)
            sleep "$names_known"
            drain "$each" "$(port_of "$service")" 2>/dev/null || true
            ;;
        # Whoever listens last at the socket has it.
        *) sleep 1 ;;
        esac
        docker stop --time "$patience" "$each" >/dev/null 2>&1 || true
        docker rm --force --volumes "$each" >/dev/null 2>&1 || true
    done
}

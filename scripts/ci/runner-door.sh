#!/usr/bin/env bash
# Lets the machine that runs this reach SSH on the hub's droplet, and shuts it out again.
#   runner-door.sh open TAG    a firewall of its own on the droplet's tag: port 22 from this machine's address only
#   runner-door.sh close       removes it; safe to call when nothing was opened
# Needs DIGITALOCEAN_TOKEN, curl and jq. The token travels by a curl config on standard input, not as an argument.
set -euo pipefail

api() { # METHOD PATH [JSON]
  curl --silent --show-error --fail-with-body --retry 4 --max-time 30 --config - \
    --request "$1" --header "Content-Type: application/json" ${3:+--data "$3"} \
    "${DIGITALOCEAN_API_URL:-https://api.digitalocean.com}$2" <<CONFIG
header = "Authorization: Bearer $DIGITALOCEAN_TOKEN"
CONFIG
}

name="aihub-runner-${GITHUB_RUN_ID:-$(hostname)}"

case "${1:-}" in
  open)
    tag=${2:?usage: runner-door.sh open TAG}
    address=${RUNNER_ADDRESS:-$(curl --silent --show-error --fail --retry 4 --max-time 10 https://api.ipify.org)}
    api POST /v2/tags "$(jq -n --arg name "$tag" '{name: $name}')" >/dev/null
    api POST /v2/firewalls "$(jq -n --arg name "$name" --arg tag "$tag" --arg from "$address/32" '{
      name: $name, tags: [$tag],
      inbound_rules: [{protocol: "tcp", ports: "22", sources: {addresses: [$from]}}],
      outbound_rules: []
    }')" >/dev/null
    echo "port 22 of $tag is open to $address until 'runner-door.sh close'"
    ;;
  close)
    api GET "/v2/firewalls?per_page=200" | jq -r --arg name "$name" '.firewalls[] | select(.name == $name) | .id' |
      while read -r id; do
        api DELETE "/v2/firewalls/$id"
        echo "removed firewall $name"
      done
    ;;
  *)
    echo "usage: runner-door.sh open TAG | close" >&2
    exit 2
    ;;
esac

#!/usr/bin/env bash
# At boot: ends a change that the end of the host cut off. Docker starts neither a stand-in again nor the container that it stood
# for, so the release that was last taken is made to run, whole.
set -euo pipefail

root=/opt/aihub
[ -f "$root/changing" ] || exit 0
# Data that an upgrade or a restore left half way are no place for an old version: what ends those starts the release, too.
[ ! -f /data/hub/recovery/operation.json ] || exit 0
exec 9>"$root/lock"
flock --wait 600 9
# Whoever had the lock may have ended it.
[ -f "$root/changing" ] || exit 0
current=$(readlink -f "$root/current")
docker ps --all --quiet --filter label=aihub-stand-in | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
[ -f "$current/compose.yaml" ] || exit 0
docker compose --progress quiet --project-name aihub --file "$current/compose.yaml" --env-file "$root/secrets/applied.env" \
    up --detach --wait --wait-timeout 420 --remove-orphans --pull never 2>&1 | tail -n 20 | cut -c1-300
rm -f "$root/changing"

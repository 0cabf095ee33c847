#!/usr/bin/env bash
# Keeps what the newest five releases and the running one need; the rest goes. Arguments: ROOT DIGEST (of the release that arrived)
set -euo pipefail
root=$1 digest=$2
current=$(readlink -f "$root/current")
# Images that the hub has fetched (apply.sh); others on the host are somebody else's.
fetched=$root/fetched-images

find "$root/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | tail -n +6 | cut -d' ' -f2- |
    while read -r folder; do
        [ "$folder" = "$current" ] || rm -rf "$folder"
    done
find "$root/incoming" -type f ! -name "$digest.*" -delete
for folder in "$root"/store/*/ "$root"/secrets/*/; do
    grep -qsF "$(basename "$folder")" "$root"/releases/*/compose.yaml "$root"/secrets/*.env || rm -rf "$folder"
done

docker image prune --force >/dev/null 2>&1 || true
docker images --format '{{.Repository}}:{{.Tag}}' 'aihub/*' | while read -r image; do
    grep -qsF "$image" "$root"/releases/*/compose.yaml || docker rmi "$image" >/dev/null 2>&1 || true
done
[ -f "$fetched" ] || exit 0
while read -r image; do
    # One that is in use stays, and goes another time.
    if grep -qsxF "$image" "$root"/releases/*/images.txt ||
        { ! docker rmi "$image" && docker image inspect "$image"; } >/dev/null 2>&1; then
        printf '%s\n' "$image"
    fi
done <"$fetched" >"$fetched.new"
mv "$fetched.new" "$fetched"

#!/usr/bin/env bash
# Starts the server as the public image does: a secret key of its own unless one is given, then one process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
key_file=${WEBUI_SECRET_KEY_FILE:-.webui_secret_key}
if [ -z "${WEBUI_SECRET_KEY:-}" ]; then
    [ -e "$key_file" ] || head -c 12 /dev/random | base64 >"$key_file"
    WEBUI_SECRET_KEY=$(cat "$key_file")
fi
export WEBUI_SECRET_KEY
# The pages are inside the Python package, where the package's own command looks for them.
export FROM_INIT_PY=true
# The web pages lie inside the package, not beside the sources.
export FROM_INIT_PY=true
exec python3 -m uvicorn open_webui.main:app --host "${HOST:-0.0.0.0}" --port "${PORT:-8080}" \
    --forwarded-allow-ips "${FORWARDED_ALLOW_IPS:-*}" --workers "${UVICORN_WORKERS:-1}" --ws auto

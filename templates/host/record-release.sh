#!/usr/bin/env bash
# Adds one line to the log of rollouts, which survives the host. Arguments: FILE DIGEST taken|refused [REASON]
set -euo pipefail
umask 077
from=${SSH_CLIENT:-}
from=${from%% *}
file=$1 digest=$2 outcome=$3 reason=${4:-}
# Lines kept.
most=200

# JSON's string of a text, cut to 300 characters, its control characters as blanks.
string() {
    local text=${1:0:300}
    text=${text//[[:cntrl:]]/ }
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    # A cut or a stray byte must not spoil the line.
    printf '"%s"' "$(iconv -c -f UTF-8 -t UTF-8 <<<"$text" || true)"
}

next=$file.$$
trap 'rm -f "$next"' EXIT
{
    if [ -f "$file" ]; then tail -n $((most - 1)) "$file"; fi
    printf '{"time":"%s","digest":%s,"outcome":%s,"reason":%s,"from":%s}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
        "$(string "$digest")" "$(string "$outcome")" "$(string "$reason")" "$(string "$from")"
} >"$next"
mv "$next" "$file"

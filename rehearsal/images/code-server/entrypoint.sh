#!/bin/sh
set -eu
if [ -d "$ENTRYPOINTD" ]; then
    find "$ENTRYPOINTD" -type f -executable -print -exec {} \;
fi
exec dumb-init /usr/bin/code-server "$@"

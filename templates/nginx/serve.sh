#!/bin/sh
# Serves by the right certificate: the newest sound one that certbot handed on, else the one among the secrets. Starts nginx
# and takes over a newer one as soon as it is there, by a reload, which drops no connection. check: only checks the configuration.
set -u
umask 077

serving=${SERVING:-/run/serving}
given=${GIVEN:-/run/secrets}
chosen=${CHOSEN:-/tmp/tls}
configuration=${CONFIGURATION:-/etc/aihub/nginx.conf}
turn=${TURN:-5}

# sound FOLDER: not expired, for the hub's name, and of one piece with its key.
sound() {
    openssl x509 -in "$1/fullchain.pem" -noout -checkend 0 >/dev/null 2>&1 || return 1
    openssl x509 -in "$1/fullchain.pem" -noout -checkhost "$HOST_NAME" 2>/dev/null | grep -q ' does match ' || return 1
    theirs=$(openssl x509 -in "$1/fullchain.pem" -noout -pubkey 2>/dev/null)
    ours=$(openssl pkey -in "$1/privkey.pem" -pubout 2>/dev/null)
    [ -n "$ours" ] && [ "$ours" = "$theirs" ]
}

# Prints the folder of the certificate to serve.
choose() {
    if [ "$TLS_MODE" = acme ]; then
        for name in $(ls "$serving" 2>/dev/null | grep -x '[0-9]*' | sort -rn); do
            if sound "$serving/$name"; then
                echo "$serving/$name"
                return
            fi
        done
    fi
    echo "$given"
}

# put FILE NAME: in one step, so that nginx never reads half of it.
put() {
    cat "$1" >"$chosen/$2.new" && mv "$chosen/$2.new" "$chosen/$2"
}

# Browsers keep to HTTPS for a year once told so: only by a certificate that they know.
take() {
    mkdir -p "$chosen"
    strict='add_header Strict-Transport-Security "max-age=31536000" always;'
    if [ "$1" = "$given" ]; then
        put "$given/tls.crt" tls.crt && put "$given/tls.key" tls.key || return 1
        if [ "$TLS_MODE" != provided ]; then strict=; fi
    else
        put "$1/fullchain.pem" tls.crt && put "$1/privkey.pem" tls.key || return 1
        # One of a server that the settings no longer name may be anybody's.
        from=$(cat "$1/server" 2>/dev/null)
        if [ "$KNOWN_TO_BROWSERS" != yes ] || [ "$from" != "$ACME_SERVER" ]; then strict=; fi
    fi
    echo "$strict" >"$chosen/strict-transport-security.conf"
}

# An nginx that ends must not close an idle connection under the client that is about to ask. From 1.27.4 on it can wait; an older
# one is given connections that live so briefly that whoever replaces it (switch.sh) can wait for their last answer.
keep_alive() {
    mkdir -p "$chosen"
    version=$(nginx -v 2>&1 | sed -n 's,.*nginx/\([0-9.]*\).*,\1,p')
    if [ "$(printf '%s\n' 1.27.4 "$version" | sort -V | head -n 1)" = 1.27.4 ]; then
        echo "keepalive_min_timeout 10s;"
    else
        echo "keepalive_time 10s;"
    fi >"$chosen/keepalive.conf"
}

watch() {
    now=$1
    refused=
    looked=
    while sleep "$turn"; do
        # The hour is in it for those that expire.
        look="$(ls "$serving" 2>/dev/null) $(date +%Y%m%d%H)"
        [ "$look" = "$looked" ] && continue
        looked=$look
        next=$(choose)
        if [ "$next" = "$now" ] || [ "$next" = "$refused" ]; then continue; fi
        if take "$next" && nginx -t -q -c "$configuration"; then
            nginx -s reload -c "$configuration"
            echo "serving by the certificate in $next" >&2
            now=$next
        else
            echo "nginx refuses the certificate in $next, so it goes on with the one in $now" >&2
            refused=$next
            take "$now"
        fi
    done
}

first=$(choose)
take "$first"
keep_alive
if [ "${1:-}" = check ]; then exec nginx -t -q -c "$configuration"; fi
echo "serving by the certificate in $first" >&2
watch "$first" &
exec nginx -c "$configuration" -g "daemon off;"

#!/bin/sh
# Runs certbot when the hub's server asks for it and hands on what certbot made. What is asked for is decided there.
# exchange/request: "KIND ID". exchange/result: "ID EXIT-CODE", then what certbot said at last. exchange/chain.pem: the
# certificate without its key. serving/N: certificate and key for nginx, and the server
# that it is from; the highest N is the newest.
set -u
umask 022

exchange=${EXCHANGE:-/exchange}
state=${STATE:-/state}
serving=${SERVING:-/serving}
webroot=${WEBROOT:-/webroot}
authority=${AUTHORITY:-/etc/aihub/acme-ca.pem}
temporary=${TEMPORARY:-/tmp}

if [ -s "$authority" ]; then export REQUESTS_CA_BUNDLE="$authority"; fi

# run_certbot FOLDER ARGUMENTS...
run_certbot() {
    folder=$state/$1
    shift
    timeout 900 certbot "$@" --non-interactive --config-dir "$folder" --work-dir "$folder/work" \
        --logs-dir "$folder/logs" --max-log-backups 10
}

# order FOLDER SERVER
order() {
    run_certbot "$1" certonly --server "$2" --agree-tos --register-unsafely-without-email --webroot \
        --webroot-path "$webroot" --cert-name aihub --domain "$HOST_NAME" --key-type ecdsa --force-renewal
}

carry_out() {
    case $1 in
    order-staging)
        # Nobody needs this certificate; the next trial is a new order again.
        rm -rf "$state/staging/live" "$state/staging/archive" "$state/staging/renewal"
        order staging "$ACME_STAGING_SERVER"
        ;;
    order) order production "$ACME_SERVER" ;;
    renew) run_certbot production renew --cert-name aihub --server "$ACME_SERVER" --no-random-sleep-on-renew ;;
    *)
        echo "no such request"
        return 64
        ;;
    esac
}

# answer ID EXIT-CODE
answer() {
    {
        echo "$1 $2"
        tail -c 8000 "$temporary/output"
    } >"$exchange/result.new" && mv "$exchange/result.new" "$exchange/result"
    rm -f "$exchange/running"
}

hand_on() {
    live=$state/production/live/aihub
    [ -s "$live/fullchain.pem" ] && [ -s "$live/privkey.pem" ] || return 0
    newest=$(ls "$serving" | sort -n | tail -n 1)
    if ! cmp -s "$live/fullchain.pem" "$serving/$newest/fullchain.pem"; then
        rm -rf "$serving/.new"
        mkdir -m 2750 "$serving/.new"
        (
            umask 027
            cat "$live/fullchain.pem" >"$serving/.new/fullchain.pem"
            cat "$live/privkey.pem" >"$serving/.new/privkey.pem"
            sed -n 's/^server = //p' "$state/production/renewal/aihub.conf" >"$serving/.new/server"
        )
        sync
        mv "$serving/.new" "$serving/$((${newest:-0} + 1))"
        # nginx may be reading the one before.
        for old in $(ls "$serving"); do
            if [ "$old" -lt "${newest:-0}" ]; then rm -rf "${serving:?}/$old"; fi
        done
    fi
    if ! cmp -s "$live/fullchain.pem" "$exchange/chain.pem"; then
        cat "$live/fullchain.pem" >"$exchange/chain.new"
        mv "$exchange/chain.new" "$exchange/chain.pem"
    fi
}

# A run that was cut off is not done again by itself.
if [ -f "$exchange/running" ]; then
    read -r kind id <"$exchange/running"
    echo "certbot was stopped while it ran" >"$temporary/output"
    hand_on
    answer "$id" 130
fi

while :; do
    touch "$temporary/turn"
    hand_on
    if mv "$exchange/request" "$exchange/running" 2>/dev/null; then
        read -r kind id <"$exchange/running"
        carry_out "$kind" >"$temporary/output" 2>&1
        code=$?
        hand_on
        answer "$id" "$code"
    fi
    if [ "${ONCE:-}" ]; then exit; fi
    sleep 1
done

#!/bin/sh
# Prints the root file system of a small Debian as a tar archive. Arguments: SUITE FOLDER (empty, for the work)
set -eu
suite=$1
root=$2

# Standard output is the archive's alone.
debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" >&2
# Where debootstrap looks by itself, or where this machine's package says it shall.
mirror=$(awk '$1 == "deb" { print $2; exit }' "$root/etc/apt/sources.list")

cat >"$root/etc/apt/sources.list" <<LIST
deb $mirror $suite main
deb $mirror $suite-updates main
deb $mirror-security $suite-security main
LIST
cat >"$root/etc/apt/apt.conf.d/90small" <<'CONF'
Acquire::Languages "none";
Acquire::GzipIndexes "true";
APT::Install-Suggests "false";
CONF
cat >"$root/etc/dpkg/dpkg.cfg.d/90small" <<'CONF'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/locale.alias
CONF
find "$root/usr/share/doc" -type f ! -name copyright -delete
rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/*
find "$root/usr/share/locale" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin
rm -rf "$root"/var/log/*.log "$root"/var/log/apt/* "$root"/tmp/*
# A name server of the machine that made the archive is of no use to the one that runs it.
: >"$root/etc/resolv.conf"
tar --create --numeric-owner --one-file-system --directory "$root" .

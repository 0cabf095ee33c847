#!/bin/sh
# Makes a fresh droplet a host for the hub, whichever of the two base images it was made from. Safe to run again.
# Arguments: VOLUME_NAME FILESYSTEM_LABEL TIMEZONE
set -eu
volume=$1
label=$2
timezone=$3
export DEBIAN_FRONTEND=noninteractive
root=/opt/aihub

say() { printf '%s\n' "$*"; }
fail() {
    say "aihub: $1"
    say "  fix: $2"
    exit 1
}
# write PATH: takes the content from standard input; true when the file changed.
write() {
    mkdir -p "$(dirname "$1")"
    cat >"$1.new"
    if cmp -s "$1.new" "$1"; then
        rm "$1.new"
        return 1
    fi
    mv "$1.new" "$1"
}

cloud_init_done() {
    command -v cloud-init >/dev/null || return 0
    status=0
    timeout 600 cloud-init status --wait >/dev/null 2>&1 || status=$?
    # 2 means done with recoverable errors.
    [ "$status" = 0 ] || [ "$status" = 2 ] ||
        fail "cloud-init ended with $status" "cloud-init status --long on the host shows why"
}

packages() {
    missing=""
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing="$missing $name"
    done
    [ -n "$missing" ] || return 0
    say "installing$missing"
    tries=0
    # A new host's own updates may hold the package lock for minutes.
    # shellcheck disable=SC2086
    until { timeout 300 apt-get -o DPkg::Lock::Timeout=240 -qq update &&
        timeout 900 apt-get -o DPkg::Lock::Timeout=240 -qq install --yes --no-install-recommends $missing; } >/var/log/aihub-packages.log 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 4 ] ||
            fail "cannot install$missing: $(tail -n 3 /var/log/aihub-packages.log | cut -c1-300)" \
                "check that the host reaches its package archive, then run again"
        sleep $((tries * 5))
    done
}

docker_engine() {
    changed=0
    write /etc/docker/daemon.json <<'JSON' && changed=1
{
  "log-driver": "local",
  "log-opts": { "max-size": "10m", "max-file": "3" },
  "live-restore": true
}
JSON
    # Docker starts on the mounted volume or not at all, so that no service ever writes to the bare folder.
    write /etc/systemd/system/docker.service.d/aihub.conf <<'UNIT' && changed=1
[Unit]
Requires=aihub-data.service
After=aihub-data.service
UNIT
    if ! docker compose version >/dev/null 2>&1; then
        if apt-cache show docker-ce >/dev/null 2>&1; then
            packages docker-ce docker-ce-cli containerd.io docker-compose-plugin
        elif apt-cache show docker-compose-v2 >/dev/null 2>&1; then
            packages docker.io docker-compose-v2
        else
            packages docker.io docker-cli docker-compose
        fi
    fi
    docker compose version >/dev/null 2>&1 ||
        fail "docker compose is missing although its packages are installed" "docker compose version on the host shows why"
    systemctl daemon-reload
    systemctl enable --quiet docker.service
    if [ "$changed" = 1 ] || ! systemctl is-active --quiet docker.service; then
        systemctl restart docker.service
    fi
}

firewall() {
    command -v ufw >/dev/null || return 0
    ufw status 2>/dev/null | grep -q '^Status: active' || return 0
    # The 1-Click image opens Docker's own ports and slows SSH down; the cloud firewall guards SSH here.
    for rule in 2375/tcp 2376/tcp; do ufw delete allow "$rule" >/dev/null 2>&1 || true; done
    for rule in 22/tcp 22 ssh OpenSSH; do ufw delete limit "$rule" >/dev/null 2>&1 || true; done
    ufw allow 22/tcp >/dev/null
}

metadata_guard() {
    write /usr/local/sbin/aihub-metadata-guard <<'SCRIPT' || true
#!/bin/sh
# Containers must not read the droplet's metadata: it holds the host's key.
set -eu
iptables -n -L DOCKER-USER >/dev/null 2>&1 || iptables -N DOCKER-USER
iptables -C DOCKER-USER -d 169.254.169.254/32 -j REJECT 2>/dev/null ||
    iptables -I DOCKER-USER -d 169.254.169.254/32 -j REJECT
SCRIPT
    chmod 0755 /usr/local/sbin/aihub-metadata-guard
    write /etc/systemd/system/aihub-metadata-guard.service <<'UNIT' || true
[Unit]
Description=Keep containers from the metadata address
After=docker.service
PartOf=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/aihub-metadata-guard

[Install]
WantedBy=multi-user.target docker.service
UNIT
    systemctl daemon-reload
    systemctl enable --quiet aihub-metadata-guard.service
    systemctl restart aihub-metadata-guard.service
}

data_volume() {
    write /usr/local/sbin/aihub-mount-data <<SCRIPT || true
#!/bin/sh
# Mounts the hub's volume at /data: the named one, with the right label and the hub's marker, or none.
set -eu
mountpoint -q /data && exit 0
link=/dev/disk/by-id/scsi-0DO_Volume_$volume
tries=0
until [ -e "\$link" ]; do
    tries=\$((tries + 1))
    if [ "\$tries" -ge 60 ]; then
        echo "volume $volume is not attached: \$link does not exist" >&2
        exit 1
    fi
    sleep 1
done
device=\$(readlink -f "\$link")
found=\$(blkid -o value -s LABEL "\$device" || true)
if [ "\$found" != "$label" ]; then
    echo "volume $volume has the label '\$found', not '$label': it is neither formatted nor mounted" >&2
    exit 1
fi
# A volume's very first attachment is mounted under /mnt by the cloud; it has one place here.
for place in \$(findmnt -rn -o TARGET --source "\$device" || true); do umount "\$place"; done
# The volume may have grown since it was formatted; not mounted, its file system grows on every kernel.
blocks=\$(dumpe2fs -h "\$device" 2>/dev/null | sed -n 's/^Block count: *//p;s/^Block size: */*/p' | tr -d '\n')
if [ -n "\$blocks" ] && [ \$((\$blocks + 1048576)) -lt "\$(blockdev --getsize64 "\$device")" ]; then
    timeout 900 e2fsck -f -p "\$device" >/dev/null || [ \$? -le 1 ]
    timeout 900 resize2fs "\$device" >/dev/null || true
fi
mkdir -p /data
mount -o noatime,discard "\$device" /data 2>/dev/null || mount -o noatime "\$device" /data
# An empty volume under the same name is no hub's: services would begin anew in it.
if [ ! -f /data/.aihub-volume ] && [ ! -f /run/aihub-new-volume ]; then
    umount /data
    echo "volume $volume holds no hub: nothing starts on it until a rollout has made it the hub's" >&2
    exit 1
fi
# Tells services that what the file system had in memory may be gone, also when the kernel went on meanwhile.
mkdir -p /run/aihub-mounted
cat /proc/sys/kernel/random/uuid >/run/aihub-mounted/data
SCRIPT
    chmod 0755 /usr/local/sbin/aihub-mount-data
    write /etc/systemd/system/aihub-data.service <<'UNIT' || true
[Unit]
Description=The hub's data volume
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/aihub-mount-data
ExecStop=/bin/sh -c 'mountpoint -q /data && umount /data || true'
TimeoutStartSec=2000

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable --quiet aihub-data.service
    touch /run/aihub-new-volume
    mountpoint -q /data || systemctl restart aihub-data.service || systemctl start aihub-data.service ||
        fail "cannot mount the volume: $(journalctl -u aihub-data.service -n 2 -o cat | head -n 1 | cut -c1-300)" \
            "attach volume $volume (label $label) to this droplet and run again"
    # A volume that was just made larger: its file system grows while the hub runs.
    resize2fs "$(findmnt -n -o SOURCE /data)" >/dev/null 2>&1 ||
        say "this kernel does not let /data grow while it is in use: it grows when the host is started again"
    [ -f /data/.aihub-volume ] || printf '%s\n' "$volume" >/data/.aihub-volume
    rm -f /run/aihub-new-volume
}

swap() {
    swapon --show --noheadings 2>/dev/null | grep -q . && return 0
    [ -f /swapfile ] || { fallocate -l 2G /swapfile && chmod 0600 /swapfile && mkswap /swapfile >/dev/null; }
    # A container that stands for a host may not swap; the hub runs without.
    swapon /swapfile 2>/dev/null || { say "no swap: this kernel does not allow it"; rm -f /swapfile; return 0; }
    grep -q '^/swapfile ' /etc/fstab 2>/dev/null || printf '/swapfile none swap sw 0 0\n' >>/etc/fstab
    write /etc/sysctl.d/60-aihub.conf <<'CONF' || true
vm.swappiness = 10
CONF
    sysctl -q -p /etc/sysctl.d/60-aihub.conf || true
}

updates() {
    packages unattended-upgrades
    write /etc/apt/apt.conf.d/52aihub <<'CONF' || true
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-Time "04:30";
CONF
}

journal() {
    write /etc/systemd/journald.conf.d/aihub.conf <<'CONF' || return 0
[Journal]
SystemMaxUse=200M
CONF
    systemctl restart systemd-journald.service || true
}

ssh_server() {
    write /etc/ssh/sshd_config.d/10-aihub.conf <<'CONF' || return 0
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
# Each command of a rollout opens a connection of its own.
MaxStartups 60:30:120
CONF
    sshd -t && { systemctl reload ssh.service 2>/dev/null || systemctl reload sshd.service 2>/dev/null || true; }
}

cloud_init_done
install -d -m 0755 "$root" "$root/releases" "$root/store" "$root/incoming"
install -d -m 0700 "$root/secrets"
timedatectl set-timezone "$timezone" 2>/dev/null || ln -sfn "/usr/share/zoneinfo/$timezone" /etc/localtime
ssh_server
journal
data_volume
docker_engine
metadata_guard
firewall
swap
packages curl ca-certificates util-linux
updates
say "host ready: $(docker --version), /data $(findmnt -n -o SIZE,USE% /data 2>/dev/null || df -h --output=size,pcent /data | tail -n 1)"

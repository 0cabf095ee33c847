/**
 * Volumes inside a droplet: device nodes and the links that udev would make. Containers have no udev, and systemd leaves
 * out device lines of /etc/fstab in them, so a small service of the droplet does both before local file systems are up.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

/** The table's folder inside the droplet; the driver writes it from outside. */
export const TABLE_DIR = "/usr/lib/droplet/attached";

export interface PluggedVolume {
  name: string;
  /** Loop device of this machine, such as "/dev/loop3". */
  device: string;
  first: boolean;
}

/** Writes what the service reads: one line "name loopN first|again" for each volume. */
export async function writeTable(dir: string, volumes: PluggedVolume[]): Promise<void> {
  await mkdir(dir, { recursive: true });
  const lines = volumes.map(
    ({ name, device, first }) => `${name} ${basename(device)} ${first ? "first" : "again"}\n`,
  );
  await writeFile(join(dir, "table"), lines.join(""));
}

/** Files that go into the droplet before its first boot. */
export const volumeService: { path: string; mode: number; text: string }[] = [
  {
    path: "/etc/systemd/system/droplet-volumes.service",
    mode: 0o644,
    text: `[Unit]
Description=Attached block volumes
DefaultDependencies=no
After=systemd-remount-fs.service systemd-tmpfiles-setup-dev.service
Before=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/droplet/volumes boot

[Install]
WantedBy=local-fs.target
`,
  },
  {
    path: "/usr/lib/droplet/volumes",
    mode: 0o755,
    text: `#!/bin/sh
# volumes boot | plug | unplug NAME
set -u
table=${TABLE_DIR}/table
by_id=/dev/disk/by-id/scsi-0DO_Volume_

plug() {
    mkdir -p /dev/disk/by-id /dev/disk/by-label /dev/disk/by-uuid
    while read -r name device again; do
        node=/dev/$device
        [ -b "$node" ] || mknod -m 0660 "$node" b 7 "\${device#loop}"
        [ "$(readlink "$by_id$name")" = "../../$device" ] && continue
        ln -sfn "../../$device" "$by_id$name"
        for kind in label uuid; do
            value=$(blkid -p -o value -s "$(echo "$kind" | tr a-z A-Z)" "$node")
            [ -z "$value" ] || ln -sfn "../../$device" "/dev/disk/by-$kind/$value"
        done
        # The images mount a formatted volume by themselves, the very first time that it is attached anywhere.
        if [ "$again" = first ] && [ -n "$(blkid -p -o value -s TYPE "$node")" ]; then
            at=/mnt/$(echo "$name" | tr - _)
            mkdir -p "$at"
            mount -o defaults,nofail,discard,noatime "$node" "$at"
        fi
    done <"$table"
}

unplug() {
    node=$(readlink -f "$by_id$1")
    [ -b "$node" ] || return 0
    for target in $(findmnt -rn -o TARGET -S "$node" | sort -r); do
        umount "$target" || exit 1
    done
    for link in /dev/disk/by-*/*; do
        [ "$(readlink -f "$link")" != "$node" ] || rm -f "$link"
    done
    rm -f "$node"
}

# A machine that hands all its devices on shows disks of other droplets here.
hide_others() {
    for node in /dev/loop[0-9]*; do
        [ -b "$node" ] || continue
        grep -q " \${node#/dev/} " "$table" || rm -f "$node"
    done
}

mount_fstab() {
    while read -r source target _type options _rest; do
        case $source in LABEL=* | UUID=* | /dev/*) ;; *) continue ;; esac
        case ,$options, in *,noauto,*) continue ;; esac
        mountpoint -q "$target" && continue
        mkdir -p "$target"
        mount "$target"
    done </etc/fstab
}

case $1 in
boot)
    # As on a machine of its own, where unmounting a disk takes it from the services' mount namespaces as well.
    mount --make-rshared /
    hide_others && plug && mount_fstab
    ;;
plug) plug ;;
unplug) unplug "$2" ;;
esac
`,
  },
];

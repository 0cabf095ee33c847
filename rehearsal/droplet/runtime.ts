/** How this machine's Docker has to run a container that boots systemd and its own Docker, as a droplet does. */
import { execa } from "execa";

/** What a container needs that boots `/sbin/init`, wherever it runs. */
const everywhere = [
  ...["--tmpfs", "/run:mode=755", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"],
  ...["-e", "container=docker"],
  ...["--stop-signal", "SIGRTMIN+3", "--stop-timeout", "60"],
];

/**
 * The same rights as `--privileged` but for the one capability that a machine which is itself confined
 * most often lacks; Docker refuses to start a privileged container there.
 */
const confined = [
  ...["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"],
  ...["--security-opt", "seccomp=unconfined"],
  ...["--security-opt", "apparmor=unconfined"],
  ...["--security-opt", "systempaths=unconfined"],
  ...["--device-cgroup-rule", "a *:* rwm"],
];

const hostCgroups = ["--cgroupns", "host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"];

/** systemd 257 boots on the old cgroup hierarchy only when told so twice. */
const oldCgroups = [
  "-e",
  "SYSTEMD_PROC_CMDLINE=systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
];

/** The flags for one kind of machine; separate from the probe so that each kind can be tested on any. */
export function flagsFor(machine: { cgroupVersion: string; privileged: boolean }): string[] {
  const flags = [...everywhere, ...(machine.privileged ? ["--privileged"] : confined)];
  if (machine.cgroupVersion === "1") return [...flags, ...hostCgroups, ...oldCgroups];
  // A privileged container may write to the cgroup tree Docker mounts for it; another one needs the machine's.
  return [...flags, ...(machine.privileged ? ["--cgroupns", "private"] : hostCgroups)];
}

const found = new Map<string, Promise<string[]>>();

/**
 * Flags for `docker create|run` that let `image` (a droplet image present on the engine) boot as a droplet.
 * Probes the engine once per process. Name, ports, /var/lib/docker and the like are the caller's.
 * Throws when the engine does not answer or cannot start containers at all.
 */
export function dropletRunFlags(image: string): Promise<string[]> {
  const known = found.get(image);
  if (known) return known;
  const probing = probe(image);
  found.set(image, probing);
  probing.catch(() => found.delete(image));
  return probing;
}

async function probe(image: string): Promise<string[]> {
  const { stdout } = await execa("docker", ["info", "--format", "{{.CgroupVersion}}"]);
  const trial = ["run", "--rm", "--network", "none", "--entrypoint", "/bin/true"];
  const attempt = await execa("docker", [...trial, "--privileged", image], { reject: false });
  return flagsFor({ cgroupVersion: stdout.trim(), privileged: attempt.exitCode === 0 });
}

/** Makes a fresh droplet a host for the hub. */
import { readTemplate } from "../render/template.ts";

export interface HostScript {
  /** Command for the host's shell; free of secrets, short, because a failure repeats it whole. */
  command: string;
  /** What the command reads from standard input. */
  stdin: string;
}

export interface Host {
  volumeName: string;
  volumeLabel: string;
  timezone: string;
}

/** Half an hour: the slowest step fetches Docker onto a base image without it. */
const TIMEOUT = 1800;

export async function prepareHost(host: Host): Promise<HostScript> {
  const script = "/run/aihub-prepare.sh";
  const words = [host.volumeName, host.volumeLabel, host.timezone].map(quote).join(" ");
  return {
    command: `set -eu; umask 022; cat > ${script}; exec timeout ${TIMEOUT} sh ${script} ${words} </dev/null`,
    stdin: await readTemplate("host/prepare.sh"),
  };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

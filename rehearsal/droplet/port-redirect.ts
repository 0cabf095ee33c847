/**
 * Ports of a loopback address that cannot be listened on, since another program of this machine (most often its own sshd)
 * listens on that port of all addresses: connections are led to another port of the same address by the kernel.
 */
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";

export interface Redirect {
  address: string;
  port: number;
  toPort: number;
  /** Who made it, so that it can be found again. */
  owner: string;
}

/** Adds the rule unless it is there. Throws UserError when this machine's firewall cannot be written. */
export async function addRedirect(redirect: Redirect): Promise<void> {
  const { exitCode } = await iptables(["-C", ...rule(redirect)]);
  if (exitCode === 0) return;
  const added = await iptables(["-A", ...rule(redirect)]);
  if (added.exitCode === 0) return;
  const { address, port } = redirect;
  throw new UserError(
    `Port ${port} of ${address} is taken: a program of this machine listens on port ${port} of all addresses,\n` +
      `  and the connection cannot be led around it: ${added.stderr.trim() || "iptables is missing"}\n` +
      `  See which program: ss -ltnp 'sport = :${port}'\n` +
      "  Stop it, let it listen on its own address only, or install iptables.",
  );
}

export async function removeRedirect(redirect: Redirect): Promise<void> {
  while ((await iptables(["-D", ...rule(redirect)])).exitCode === 0);
}

/** Rules of this owner, whoever made them. */
export async function redirectsOf(owner: string): Promise<Redirect[]> {
  const { stdout } = await iptables(["-S", "OUTPUT"]);
  return stdout
    .split("\n")
    .filter((line) => line.includes(`--comment "${owner}"`) || line.includes(`--comment ${owner} `))
    .flatMap((line) => {
      const found = /-d ([\d.]+)\/32 .*--dport (\d+) .*--to-destination [\d.]+:(\d+)/.exec(line);
      if (!found) return [];
      return [{ address: `${found[1]}`, port: Number(found[2]), toPort: Number(found[3]), owner }];
    });
}

function rule({ address, port, toPort, owner }: Redirect): string[] {
  return [
    ...["OUTPUT", "--protocol", "tcp", "--destination", address, "--dport", String(port)],
    ...["--match", "comment", "--comment", owner],
    ...["--jump", "DNAT", "--to-destination", `${address}:${toPort}`],
  ];
}

async function iptables(args: string[]) {
  return execa("iptables", ["--wait", "10", "--table", "nat", ...args], { reject: false });
}

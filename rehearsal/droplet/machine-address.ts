/** Where droplets reach this machine. */
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";

/** What a command printed, or undefined when it failed or is not there. */
type Ask = (program: string, ...args: string[]) => Promise<string | undefined>;

const GATEWAYS = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
const INTERFACE = '{{index .Options "com.docker.network.bridge.name"}}';

/**
 * @returns IPv4 address of this machine on the network that droplets are on
 * @throws UserError when the network has none
 */
export async function machineAddress(ask: Ask = askCommand): Promise<string> {
  const inspect = ["network", "inspect", "bridge", "--format"];
  const gateway = ipv4(await ask("docker", ...inspect, GATEWAYS));
  if (gateway) return gateway;
  // An engine that made the network at its first start names no gateway until its next one (moby issue 26799).
  const bridge = (await ask("docker", ...inspect, INTERFACE))?.trim();
  const address = bridge && ipv4(await ask("ip", "-4", "-oneline", "address", "show", bridge));
  if (address) return address;
  throw new UserError(
    'Docker\'s network "bridge" has no gateway by which droplets could reach this machine.\n' +
      "  See what it has: docker network inspect bridge",
  );
}

function ipv4(text = ""): string | undefined {
  return /(?:\d+\.){3}\d+/.exec(text)?.[0];
}

const askCommand: Ask = async (program, ...args) => {
  const { stdout, failed } = await execa(program, args, { reject: false });
  return failed ? undefined : stdout;
};

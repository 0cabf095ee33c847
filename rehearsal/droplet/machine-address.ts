/** Where droplets reach this machine. */
import { execa } from "execa";
import { UserError } from "../../hub/user-error.ts";

/** IPv4 address of this machine on the network that droplets are on. */
export async function machineAddress(): Promise<string> {
  const gateways = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
  const { stdout, exitCode, stderr } = await execa(
    "docker",
    ["network", "inspect", "bridge", "--format", gateways],
    { reject: false },
  );
  const address = /(?:\d+\.){3}\d+/.exec(stdout ?? "")?.[0];
  if (exitCode !== 0 || !address) {
    throw new UserError(
      `Docker's network "bridge" has no gateway by which droplets could reach this machine. ${stderr ?? ""}\n` +
        "  See what it has: docker network inspect bridge",
    );
  }
  return address;
}

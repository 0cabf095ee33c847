import { expect, test } from "vitest";
import { machineAddress } from "./machine-address.ts";

const interfaceLine =
  "5: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\\       valid_lft forever";

/** A machine whose engine answers with these, asked for the gateways first and for the interface's name second. */
function machine(gateways: string | undefined, bridge = "", shown?: string) {
  return async (program: string, ...args: string[]) => {
    if (program === "ip") return args.at(-1) === bridge ? shown : undefined;
    return args.at(-1)?.includes("Gateway") ? gateways : bridge;
  };
}

test("takes the gateway that the engine names, not that of IPv6", async () => {
  await expect(machineAddress(machine("fd00::1 10.9.8.1 "))).resolves.toBe("10.9.8.1");
});

test("asks the interface when the engine has made the network just now and names no gateway", async () => {
  await expect(machineAddress(machine(" ", "docker0", interfaceLine))).resolves.toBe("172.17.0.1");
});

test("says what to look at when there is neither", async () => {
  await expect(machineAddress(machine(undefined))).rejects.toThrow("docker network inspect bridge");
  await expect(machineAddress(machine(" ", "docker0", undefined))).rejects.toThrow("no gateway");
});

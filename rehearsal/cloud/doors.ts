/** Which ports answer on which address, and to whom: what firewalls and reserved IPs come to. */
import { BlockList, isIPv4 } from "node:net";
import type { Door } from "../droplet/forwarder.ts";
import type { Cloud } from "./cloud.ts";
import { firewallsOf } from "./firewalls.ts";
import type { Droplet, Firewall, InboundRule } from "./state.ts";

/** Ports that a droplet of a hub can listen on without a rule that names them. */
const USUAL_PORTS = [22, 80, 443];
/** A range wider than this names no port of its own: "1-65535" does not open 65,535 listeners. */
const WIDEST_RANGE = 16;

/** The TCP ports that a droplet may be reached on: the usual ones, and each that a firewall rule names. */
export function namedPorts(cloud: Cloud): number[] {
  const ports = new Set(USUAL_PORTS);
  for (const rule of cloud.state.firewalls.flatMap((firewall) => firewall.inbound_rules)) {
    if (rule.protocol !== "tcp") continue;
    const [from, to] = rangeOf(rule.ports);
    if (to - from < WIDEST_RANGE) for (let port = from; port <= to; port += 1) ports.add(port);
  }
  return [...ports].sort((one, other) => one - other);
}

/**
 * All doors that should be open now. A port that no loopback source may reach has none, so that it refuses connections;
 * DigitalOcean drops the packets instead.
 */
export function doors(cloud: Cloud, options: { localhost: boolean }): Door[] {
  const open: Door[] = [];
  for (const droplet of cloud.state.droplets) {
    if (droplet.status !== "active") continue;
    const reserved = cloud.state.reservedIps.filter((one) => one.droplet_id === droplet.id);
    const addresses = [droplet.address, ...reserved.map((one) => one.ip)];
    for (const port of namedPorts(cloud)) {
      if (port === 22 && opensLater(droplet)) continue;
      const sources = admitted(cloud, droplet, port);
      if (!sources.some(reachesLoopback)) continue;
      const admits = checker(sources);
      const backend = () => cloud.driver.backend(droplet.id, port);
      for (const address of addresses) open.push({ address, port, admits, backend });
    }
  }
  return options.localhost ? [...open, ...localhostDoors(cloud, open)] : open;
}

/** 127.0.0.1:80 and :443, always held, and led to wherever the first reserved IP leads. */
export function localhostDoors(cloud: Cloud, open: Door[]): Door[] {
  return [80, 443].map((port) => {
    const ip = cloud.state.reservedIps.find((one) => one.droplet_id !== null)?.ip;
    const behind = open.find((door) => door.address === ip && door.port === port);
    return {
      address: "127.0.0.1",
      port,
      admits: (source) => behind?.admits(source) ?? false,
      backend: () => behind?.backend() ?? Promise.reject(new Error("no reserved IP is assigned")),
    };
  });
}

/** Milliseconds until the next door opens by itself. */
export function nextOpening(cloud: Cloud): number | undefined {
  const waits = cloud.state.droplets
    .filter(opensLater)
    .map((droplet) => Date.parse(droplet.ssh_opens_at as string) - Date.now());
  return waits.length > 0 ? Math.max(1, Math.min(...waits)) : undefined;
}

function opensLater(droplet: Droplet): boolean {
  return droplet.ssh_opens_at !== null && Date.parse(droplet.ssh_opens_at) > Date.now();
}

/** CIDRs that may connect to the port; all of them where no firewall is attached. */
function admitted(cloud: Cloud, droplet: Droplet, port: number): string[] {
  const firewalls: Firewall[] = firewallsOf(cloud, droplet);
  if (firewalls.length === 0) return ["0.0.0.0/0"];
  return firewalls
    .flatMap((firewall) => firewall.inbound_rules)
    .filter((rule) => covers(rule, port))
    .flatMap((rule) => [
      ...(rule.sources.addresses ?? []),
      ...cloud.state.droplets
        .filter(
          (other) =>
            rule.sources.droplet_ids?.includes(other.id) ||
            rule.sources.tags?.some((tag) => other.tags.includes(tag)),
        )
        .map((other) => other.address),
    ]);
}

function covers(rule: InboundRule, port: number): boolean {
  if (rule.protocol !== "tcp") return false;
  const [from, to] = rangeOf(rule.ports);
  return port >= from && port <= to;
}

function rangeOf(ports: string): [number, number] {
  if (ports === "0") return [1, 65_535];
  const [from, to = from] = ports.split("-").map(Number);
  return [from as number, to as number];
}

function reachesLoopback(cidr: string): boolean {
  const [base, bits = "32"] = cidr.split("/") as [string, string?];
  if (!isIPv4(base)) return false;
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8);
  return loopback.check(base) || blockList([`${base}/${bits}`]).check("127.0.0.1");
}

function checker(cidrs: string[]): (source: string) => boolean {
  const list = blockList(cidrs);
  return (source) => {
    const address = source.replace(/^::ffff:/, "");
    return list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  };
}

function blockList(cidrs: string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [base, bits] = cidr.split("/") as [string, string?];
    const version = isIPv4(base) ? "ipv4" : "ipv6";
    list.addSubnet(base, Number(bits ?? (version === "ipv4" ? 32 : 128)), version);
  }
  return list;
}

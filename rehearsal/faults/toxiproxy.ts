/**
 * Puts toxiproxy between a client and what it connects to, without either knowing: it runs in the client's network namespace, and a
 * rule there leads all connections but its own to it. toxiproxy rather than tc: it delays and cuts single connections by a call, and
 * it needs no module of the kernel that a droplet in a container may not load.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ensureToxiproxy } from "../../scripts/toolchain/toxiproxy.ts";
import { container, type Stage } from "./stage.ts";

export interface Between {
  /** Service whose connections lead through it; undefined: the host itself. */
  client?: string;
  upstream: { address: string; port: number };
}

export interface ProxyBetween {
  /** Answers come so much later. */
  slow(milliseconds: number): Promise<void>;
  /** Connections are refused, and those that are open end. */
  away(): Promise<void>;
  /** As if it was not there. */
  well(): Promise<void>;
  /** The client is connected directly again; open connections end. */
  remove(): Promise<void>;
}

const PROGRAM = "/opt/toxiproxy";
const UNIT = "aihub-rehearsal-proxy";
/** User of the proxy, by which its own connections are told apart. */
const USER = 64_123;
const [CONTROL, LISTEN] = [18_474, 18_475];

export async function putBetween(
  stage: Stage,
  { client, upstream }: Between,
): Promise<ProxyBetween> {
  await stage.put(await ensureToxiproxy(stage.progress), PROGRAM);
  const inside =
    client === undefined
      ? ""
      : `nsenter --net --target $(docker inspect --format '{{.State.Pid}}' ${container(client)}) `;
  const ask = (method: string, path: string, body?: object) =>
    stage.onDroplet(
      `${inside}curl -sS --fail-with-body -X ${method} http://127.0.0.1:${CONTROL}${path}` +
        (body === undefined ? "" : ` -d '${JSON.stringify(body)}'`),
    );
  const rule = (verb: string) =>
    `${inside}iptables -t nat ${verb} OUTPUT -p tcp -d ${upstream.address} --dport ${upstream.port} ` +
    `-m owner ! --uid-owner ${USER} -j REDIRECT --to-ports ${LISTEN}`;

  await stage.onDroplet(
    `systemctl stop ${UNIT} 2>/dev/null; systemctl reset-failed ${UNIT} 2>/dev/null; ` +
      `systemd-run --quiet --unit=${UNIT} sh -c "exec ${inside.replaceAll("$(", "\\$(")}setpriv --reuid=${USER} --regid=${USER} --clear-groups ${PROGRAM} -host 127.0.0.1 -port ${CONTROL}"`,
  );
  for (let tries = 0; ; tries += 1) {
    try {
      await ask("GET", "/version");
      break;
    } catch (error) {
      if (tries > 50) throw error;
      await sleep(200);
    }
  }
  await ask("POST", "/proxies", {
    ...{ name: "upstream", listen: `127.0.0.1:${LISTEN}`, enabled: true },
    upstream: `${upstream.address}:${upstream.port}`,
  });
  await stage.onDroplet(rule("-A"));
  return {
    async slow(latency) {
      await ask("POST", "/proxies/upstream/toxics", {
        ...{ name: "slow", type: "latency", stream: "downstream" },
        attributes: { latency, jitter: Math.round(latency / 4) },
      });
    },
    async away() {
      await ask("POST", "/proxies/upstream", { enabled: false });
    },
    async well() {
      await ask("POST", "/reset");
    },
    async remove() {
      await stage.onDroplet(`${rule("-D")}; systemctl stop ${UNIT}; rm -f ${PROGRAM}`);
    },
  };
}

/** The network in front of droplets: TCP listeners on loopback addresses that pass on what the policy admits. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Endpoint } from "./driver.ts";

export interface Door {
  address: string;
  port: number;
  /** Asked for each new connection. */
  admits(source: string): boolean;
  backend(): Promise<Endpoint>;
}

export interface Forwarder {
  /**
   * Makes exactly these doors be open. Connections that run stay up, as with DigitalOcean's stateful firewall.
   * Rejects when an address cannot be listened on; the other doors are open then.
   */
  open(doors: Door[]): Promise<void>;
  close(): Promise<void>;
}

interface OpenDoor {
  door: Door;
  server: Server;
}

export function forwarder(): Forwarder {
  const open = new Map<string, OpenDoor>();
  const sockets = new Set<Socket>();
  let turn: Promise<unknown> = Promise.resolve();

  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    return socket;
  };

  const pass = async (entry: OpenDoor, client: Socket) => {
    track(client);
    const source = client.remoteAddress ?? "";
    if (!entry.door.admits(source)) {
      client.resetAndDestroy();
      return;
    }
    const { host, port } = await entry.door.backend();
    if (client.destroyed) return;
    const inner = track(connect({ host, port, allowHalfOpen: true, noDelay: true }));
    // A reset on one side is a reset on the other; an orderly end passes through as an end.
    inner.on("error", () => client.resetAndDestroy());
    client.on("error", () => inner.resetAndDestroy());
    inner.on("close", () => client.destroySoon());
    client.on("close", () => inner.destroySoon());
    client.pipe(inner);
    inner.pipe(client);
  };

  const listen = async (key: string, door: Door) => {
    const entry = {} as OpenDoor;
    entry.door = door;
    entry.server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      pass(entry, client).catch(() => client.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      entry.server.once("error", reject);
      entry.server.listen({ host: door.address, port: door.port, backlog: 511 }, () => {
        entry.server.off("error", reject);
        entry.server.on("error", () => {});
        resolve();
      });
    });
    open.set(key, entry);
  };

  const shut = (key: string) => {
    const entry = open.get(key);
    open.delete(key);
    // The port is free at once; connections that run are not waited for.
    entry?.server.close();
  };

  const reconcile = async (doors: Door[]) => {
    const wanted = new Map(doors.map((door) => [`${door.address}:${door.port}`, door]));
    for (const key of open.keys()) if (!wanted.has(key)) shut(key);
    const problems: unknown[] = [];
    for (const [key, door] of wanted) {
      const entry = open.get(key);
      if (entry) entry.door = door;
      else await listen(key, door).catch((error: unknown) => problems.push(error));
    }
    if (problems.length > 0) throw problems[0];
  };

  return {
    open(doors) {
      const result = turn.then(() => reconcile(doors));
      turn = result.catch(() => {});
      return result;
    },
    async close() {
      await turn;
      for (const key of [...open.keys()]) shut(key);
      for (const socket of sockets) socket.destroy();
    },
  };
}

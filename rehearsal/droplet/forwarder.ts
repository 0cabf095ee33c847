/** The network in front of droplets: TCP listeners on loopback addresses that pass on what the policy admits. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Endpoint } from "./driver.ts";
import { addRedirect, type Redirect, removeRedirect } from "./port-redirect.ts";

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
   * Rejects with the first problem when a door cannot be opened; the other doors are open then.
   */
  open(doors: Door[]): Promise<void>;
  close(): Promise<void>;
}

interface OpenDoor {
  door: Door;
  server: Server;
  redirect: Redirect | undefined;
}

/** Where to listen when a program of the machine holds the port on all addresses. */
const movedPort = (port: number) => (port < 40_000 ? port + 20_000 : port - 20_000);

/** `owner` marks what is left in the machine's firewall, so that a purge finds it. */
export function forwarder(owner: string): Forwarder {
  const open = new Map<string, OpenDoor>();
  const sockets = new Set<Socket>();
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    return socket;
  };

  const pass = async (door: Door, client: Socket) => {
    track(client);
    if (!door.admits(client.remoteAddress ?? "")) {
      client.resetAndDestroy();
      return;
    }
    const { host, port } = await door.backend();
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
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      pass(open.get(key)?.door ?? door, client).catch(() => client.destroy());
    });
    let redirect: Redirect | undefined;
    try {
      await bind(server, door.address, door.port);
    } catch (error) {
      // Of 127.0.0.1 the port belongs to the machine; addresses of droplets are ours alone.
      const inUse = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!inUse || door.address === "127.0.0.1") throw error;
      redirect = { address: door.address, port: door.port, toPort: movedPort(door.port), owner };
      await bind(server, door.address, redirect.toPort);
      await addRedirect(redirect).catch((problem: unknown) => {
        server.close();
        throw problem;
      });
    }
    server.on("error", () => {});
    open.set(key, { door, server, redirect });
  };

  const shut = async (key: string) => {
    const entry = open.get(key);
    open.delete(key);
    // The port is free at once; connections that run are not waited for.
    entry?.server.close();
    if (entry?.redirect) await removeRedirect(entry.redirect);
  };

  const reconcile = async (doors: Door[]) => {
    if (closed) return;
    const wanted = new Map(doors.map((door) => [`${door.address}:${door.port}`, door]));
    for (const key of [...open.keys()]) if (!wanted.has(key)) await shut(key);
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
      closed = true;
      await turn;
      for (const key of [...open.keys()]) await shut(key);
      for (const socket of sockets) socket.destroy();
    },
  };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 511 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

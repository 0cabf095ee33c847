/** What becomes of a connection to a host that goes away. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectConfig } from "ssh2";
import { afterEach, expect, it, vi } from "vitest";

const at = vi.hoisted(() => ({ port: 0 }));
// The program asks at port 22, which may be taken here.
vi.mock("ssh2", async (original) => {
  const real = await original<typeof import("ssh2")>();
  class Client extends real.Client {
    override connect(config: ConnectConfig) {
      return super.connect({ ...config, port: at.port });
    }
  }
  return { ...real, Client };
});

const uncaught: unknown[] = [];
const note = (error: unknown) => uncaught.push(error);
afterEach(() => process.off("uncaughtExceptionMonitor", note));

it("is an error of the call, and of nobody else, when the host resets it before it says a word", async () => {
  process.on("uncaughtExceptionMonitor", note);
  const { connectToHost } = await import("../../components/host-connection.ts");
  const host = createServer((socket: Socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  at.port = (host.address() as AddressInfo).port;
  await expect(
    connectToHost({ address: "127.0.0.1", privateKey: "", hostKey: "ssh-ed25519 AAAA" }),
  ).rejects.toThrow(/ECONNRESET|before handshake/);
  // ssh2 tells of the reset, and of the end that it brings, one after the other.
  await sleep(100);
  host.close();
  expect(uncaught).toEqual([]);
});

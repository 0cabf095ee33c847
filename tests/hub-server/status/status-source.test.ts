import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StatusSource } from "../../../hub-server/status/status-source.ts";
import { reportOf } from "../report.ts";

let folder: string;
let door: Server;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-status-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    `req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=hub.example -keyout ${key} -out ${cert}`.split(
      " ",
    ),
    { stdio: "ignore" },
  );
  door = createServer({ key: await readFile(key), cert: await readFile(cert) }, (socket) =>
    socket.on("error", () => {}),
  );
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  port = (door.address() as { port: number }).port;
});

afterAll(async () => {
  door.close();
  await rm(folder, { recursive: true });
});

const source = (at = port) =>
  new StatusSource(folder, { host: "127.0.0.1", port: at, serverName: "hub.example" });

describe("the source of the status", () => {
  it("knows nothing on a host that has told nothing", async () => {
    const status = await source().read();
    expect(status).toMatchObject({ healthy: false, stale: true, reportedAt: null, services: [] });
  });

  it("reads what the host told and the certificate that is shown", async () => {
    await writeFile(join(folder, "host.json"), JSON.stringify(reportOf()));
    await writeFile(
      join(folder, "backup.json"),
      '{"enabled":true,"since":"2026-05-01T00:00:00Z","lastPoint":{"time":"2026-05-01T00:00:00Z"}}',
    );
    await writeFile(
      join(folder, "releases.jsonl"),
      '{"time":"2026-05-01T00:00:00Z","digest":"d","outcome":"refused","reason":"r","from":"f"}\n',
    );
    const status = await source().read();
    expect(status).toMatchObject({
      healthy: true,
      lastBackup: "2026-05-01T00:00:00Z",
      lastDrill: null,
      releases: [{ digest: "d", outcome: "refused" }],
      certificate: { issuer: "hub.example", subject: "hub.example" },
    });
    expect(status.certificate?.daysLeft).toBeGreaterThan(27);
    expect(status.certificate?.daysLeft).toBeLessThan(31);
  });

  it("goes without the certificate when the door is shut", async () => {
    expect((await source(1).read()).certificate).toBeNull();
  });
});

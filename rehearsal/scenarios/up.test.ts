/** From nothing to a running hub, and nothing at all when nothing changed. */
import { beforeAll, describe, expect, it } from "vitest";
import { ask, hub, hubOk, type Outputs, onHost, outputs, signIn, startTimes } from "./hub.ts";

describe("a first run", () => {
  let to: Outputs;

  beforeAll(async () => {
    // Of a run that was cut off a hub may stand here, with what its scenarios had set and made, and by now with alarms.
    await hub(["destroy", "--purge", "--yes"]);
    await hubOk(["up", "--yes"]);
    to = await outputs();
  });

  it("ends with a chat that answers under its own name and certificate", async () => {
    const answer = await ask(to, "/");
    expect(answer.status).toBe(200);
    expect(answer.body).toContain("<title>Open WebUI</title>");
  });

  it("signs in with the e-mail and password it printed", async () => {
    const session = await signIn(to);
    expect(session.token).toMatch(/^ey/);
  });

  it("keeps its whole state on the volume", async () => {
    expect(
      await onHost("findmnt --noheadings --output TARGET /data && ls /data/.aihub-volume"),
    ).toContain("/data");
    const mounts = await onHost(
      "docker ps -q | xargs docker inspect --format '{{range .Mounts}}{{if .RW}}{{.Source}} {{end}}{{end}}'",
    );
    const writable = mounts.split(/\s+/).filter(Boolean);
    expect(writable.length).toBeGreaterThan(3);
    for (const source of writable) expect(source).toMatch(/^\/data\//);
  });

  it("publishes no port but those of nginx", async () => {
    const published = await onHost(
      "docker ps --format '{{.Label \"com.docker.compose.service\"}} {{.Ports}}'",
    );
    const open = published.split("\n").filter((line) => line.includes("->"));
    expect(open).toHaveLength(1);
    expect(open[0]).toMatch(/^nginx /);
  });

  it("prints nothing but JSON for outputs --json, and no secret in clear unless asked", async () => {
    const run = await hubOk(["outputs", "--json"]);
    const plain = JSON.parse(run.stdout) as Record<string, unknown>;
    expect(plain.url).toBe(to.url);
    expect(run.all).not.toContain(to.adminPassword);
    expect(run.all).not.toContain(to.mcpToken);
  });
});

describe("a second run with no change", () => {
  it("changes no resource and restarts no container", async () => {
    const before = await startTimes();
    expect(Object.keys(before).length).toBeGreaterThanOrEqual(7);
    const run = await hubOk(["up", "--yes"]);
    expect(run.all).toMatch(/\b0 changed\b/);
    expect(await startTimes()).toEqual(before);
  });

  it("previews as unchanged", async () => {
    const run = await hub(["preview", "--expect-no-changes", "--json"]);
    expect(run.exitCode, run.all.slice(-2000)).toBe(0);
    const summary = JSON.parse(run.stdout) as {
      create: number;
      update: number;
      replace: number;
      delete: number;
    };
    expect(summary).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
  });

  it("previews as unchanged by the plain CLI", async () => {
    const run = await hubOk(["pulumi", "preview", "--expect-no-changes", "--non-interactive"]);
    expect(run.stdout).toMatch(/\d+ unchanged/);
    expect(run.stdout).not.toMatch(/to (create|update|replace|delete)/);
  });

  it("sees a change that is waiting, and says so by its exit code", async () => {
    await hubOk(["config", "set", "uploadLimitMib", "300"]);
    try {
      const run = await hub(["preview", "--expect-no-changes"]);
      expect(run.exitCode).not.toBe(0);
    } finally {
      await hubOk(["config", "rm", "uploadLimitMib"]);
    }
  });

  it("reports every service as healthy", async () => {
    const status = JSON.parse((await hubOk(["status", "--json"])).stdout) as {
      services: { name: string; health: string }[];
    };
    expect(status.services.map((service) => service.name).sort()).toEqual([
      "code-server",
      "files",
      "hub-server",
      "mcp-server",
      "nginx",
      "open-webui",
      "postgres",
      "valkey",
    ]);
    for (const service of status.services) expect(service.health, service.name).toBe("healthy");
  });
});

/** Mistakes at the keyboard: each ends with what is wrong and how to fix it, and nothing is changed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changedCheckout, hub, hubOk } from "./hub.ts";

describe("a setting that is wrong", () => {
  it.each([
    [
      "domain",
      "https://example.com",
      /bare domain[\s\S]*hub -- config set aihub:domain example\.com/,
    ],
    ["region", "mars1", /unknown region "mars1"; known: nyc1/],
    ["size", "s-huge", /unknown size "s-huge"; known:/],
    ["adminCidrs", "0.0.0.0/0", /opens SSH to the whole internet/],
    ["databaseUrl", "mysql://u:hunter2@h/d", /databaseUrl is not a URL of the form postgresql:/],
    ["images.nginx", "nginx:latest", /tag latest, which changes by itself/],
    ["hostgeneration", "2", /did you mean aihub:hostGeneration\?/],
  ])("%s %s is refused and not kept", async (key, value, message) => {
    const before = (await hubOk(["config", "--json"])).stdout;
    const run = await hub(["config", "set", key, value]);
    expect(run.exitCode).toBe(1);
    expect(run.all).toMatch(message);
    expect(run.all).not.toContain("hunter2");
    expect(run.all).not.toMatch(/\n\s+at /);
    expect((await hubOk(["config", "--json"])).stdout).toBe(before);
  });

  it("a size too small for the services is refused with the sum, before anything is made", async () => {
    await hubOk(["config", "set", "size", "s-1vcpu-2gb"]);
    try {
      const run = await hub(["preview"]);
      expect(run.exitCode).toBe(1);
      expect(run.all).toMatch(
        /memory plan does not fit[\s\S]*= 3776 MiB, but s-1vcpu-2gb has 2048 MiB/,
      );
    } finally {
      await hubOk(["config", "rm", "size"]);
    }
  });
});

describe("the command line", () => {
  it.each([
    [["upp"], /no verb "upp"/],
    [["up", "--fast"], /Unknown option '--fast'/],
    [["logs", "apache"], /No service "apache"; there are nginx/],
    [["logs", "--tail", "some"], /--tail some is not a number/],
    [["config", "put", "domain", "x"], /config takes get, set or rm/],
    [["status", "--stack", "../x y"], /not a stack name/],
  ])("%j says what is wrong", async (args, message) => {
    const run = await hub(args);
    expect(run.exitCode).toBe(1);
    expect(run.all).toMatch(message);
    expect(run.all).not.toMatch(/\n\s+at /);
  });

  it.each([
    "up",
    "preview",
    "outputs",
    "status",
    "logs",
    "ssh",
    "config",
    "destroy",
    "doctor",
    "pulumi",
  ])("%s --help says what it takes", async (verb) => {
    const run = await hubOk([verb, "--help"]);
    expect(run.stdout).toContain(`npm run hub -- ${verb}`);
    expect(run.stdout).toContain("--stack");
  });
});

describe("a stack in the cloud", () => {
  let checkout: Awaited<ReturnType<typeof changedCheckout>>;
  let backend: string;
  const env = (passphrase: string) => ({
    DIGITALOCEAN_TOKEN: "a-token",
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: passphrase,
  });

  beforeAll(async () => {
    backend = await mkdtemp(join(tmpdir(), "aihub-backend-"));
    checkout = await changedCheckout(async () => {});
  });
  afterAll(async () => {
    await checkout.dispose();
    await rm(backend, { recursive: true, force: true });
  });

  it("without a token says where to get one", async () => {
    const run = await hub(["preview", "--stack", "prod"], {
      from: checkout.root,
      env: { DIGITALOCEAN_TOKEN: "", DIGITALOCEAN_ACCESS_TOKEN: "" },
    });
    expect(run.exitCode).toBe(1);
    expect(run.all).toMatch(
      /No DigitalOcean token[\s\S]*cloud\.digitalocean\.com\/account\/api\/tokens/,
    );
  });

  it("with a wrong passphrase says so", async () => {
    const set = ["config", "--stack", "prod", "set", "databaseUrl", "postgresql://u:p@h:5432/d"];
    await hubOk(set, { from: checkout.root, env: env("right") });
    const run = await hub(["config", "--stack", "prod"], {
      from: checkout.root,
      env: env("wrong"),
    });
    expect(run.exitCode).toBe(1);
    expect(run.all).toMatch(/passphrase does not open the secrets of the stack/);
  });
});

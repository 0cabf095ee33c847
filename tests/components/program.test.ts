import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";

interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

const config = (raw: Record<string, string> = {}) =>
  Object.fromEntries(
    Object.entries({
      domain: "example.com",
      adminEmail: "admin@example.com",
      alertEmail: "ops@example.com",
      adminCidrs: '["203.0.113.7/32"]',
      ...raw,
    }).map(([key, value]) => [`aihub:${key}`, value]),
  );

/** Takes the engine's wrapping off secret values. */
function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (value === null || typeof value !== "object") return value;
  if ("4dabf18193072939515e22adb298388d" in value && "value" in value) return opened(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner)]));
}

/** Runs the whole program against Pulumi's mocks. @returns what it registered and its outputs */
async function run(raw: Record<string, string> = {}) {
  const registered: Registered[] = [];
  process.env.DIGITALOCEAN_TOKEN = "a-token";
  pulumi.runtime.setAllConfig(config(raw));
  await pulumi.runtime.setMocks(
    {
      newResource(args) {
        registered.push({
          type: args.type,
          name: args.name,
          inputs: opened(args.inputs) as Record<string, unknown>,
        });
        const extra: Record<string, unknown> = {};
        if (args.type === "digitalocean:index/droplet:Droplet") {
          Object.assign(extra, { ipv4Address: "198.51.100.1", dropletUrn: "do:droplet:1" });
        }
        if (args.type === "digitalocean:index/volume:Volume") extra.volumeUrn = "do:volume:1";
        if (args.type === "digitalocean:index/reservedIp:ReservedIp")
          extra.ipAddress = "203.0.113.99";
        if (args.type === "tls:index/privateKey:PrivateKey") {
          Object.assign(extra, {
            privateKeyOpenssh: `openssh-private-${args.name}`,
            publicKeyOpenssh: `ssh-ed25519 ${args.name}\n`,
            privateKeyPem: `-----BEGIN PRIVATE KEY-----${args.name}`,
          });
        }
        if (args.type.startsWith("tls:index/") && args.type.includes("Cert")) {
          Object.assign(extra, {
            certPem: `-----BEGIN CERTIFICATE-----${args.name}`,
            certRequestPem: "request",
          });
        }
        if (args.type.startsWith("random:")) extra.result = `random-${args.name}`;
        if (args.type.endsWith(":RandomString")) extra.result = "x7k2";
        if (args.type.endsWith(":SpacesKey")) {
          Object.assign(extra, {
            accessKey: `access of ${args.name}`,
            secretKey: `secret of ${args.name}`,
            // Of long ago: nothing is asked of a key that has been at work.
            createdAt: "2025-01-01T00:00:00Z",
          });
        }
        return {
          id: args.type.includes("droplet:Droplet") ? "4711" : `${args.name}-id`,
          state: { ...args.inputs, ...extra },
        };
      },
      call(args) {
        if (args.token === "digitalocean:index/getSizes:getSizes") {
          return { id: "x", sizes: [{ slug: "s-2vcpu-4gb", priceMonthly: 28 }] };
        }
        return { ...args.inputs, id: args.inputs.name };
      },
    },
    "aihub",
    "test",
    false,
  );
  const hooks: string[] = [];
  // Pulumi's mocks know no hooks: the program would wait for their registration for ever.
  Object.assign(pulumi.runtime.getMonitor() as object, {
    registerResourceHook(
      request: { getName(): string },
      done: (error: null, answer: object) => void,
    ) {
      hooks.push(request.getName());
      done(null, {});
    },
  });
  const { default: program } = await import("../../index.ts");
  const outputs = await program();
  const resolve = (value: unknown) =>
    new Promise((done) => (pulumi.output(value) as pulumi.Output<unknown>).apply(done));
  const resolved: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(outputs)) resolved[key] = await resolve(value);
  const secret: Record<string, boolean> = {};
  for (const [key, value] of Object.entries(outputs)) {
    secret[key] = await pulumi.isSecret(pulumi.output(value));
  }
  await pulumi.runtime.disconnect();
  return { registered, hooks, outputs: resolved, secret };
}

const one = (registered: Registered[], type: string, name?: string) => {
  const found = registered.filter(
    (each) => each.type === type && (name === undefined || each.name === name),
  );
  expect(found, `${type} ${name ?? ""}`).toHaveLength(1);
  return (found[0] as Registered).inputs;
};

describe("the program", () => {
  let registered: Registered[];
  let outputs: Record<string, unknown>;
  let secret: Record<string, boolean>;
  let hooks: string[];

  beforeAll(async () => {
    ({ registered, hooks, outputs, secret } = await run());
  });

  it("registers these resources, under names that later versions must keep", () => {
    expect(registered.map(({ type, name }) => `${type} ${name}`).sort()).toMatchSnapshot();
  });

  it("puts the SSH rule on the administrators' addresses and leaves the web open", () => {
    const wall = one(registered, "digitalocean:index/firewall:Firewall");
    const rules = wall.inboundRules as { portRange: string; sourceAddresses: string[] }[];
    expect(rules.map((rule) => rule.portRange)).toEqual(["22", "80", "443"]);
    expect(rules[0]?.sourceAddresses).toEqual(["203.0.113.7/32"]);
    expect(wall.tags).toEqual(["aihub-test"]);
    expect(wall.dropletIds).toBeUndefined();
    expect((wall.outboundRules as unknown[]).length).toBe(3);
  });

  it("makes a host with its volume, stopped in order, and a disk that can shrink back", () => {
    const droplet = one(registered, "digitalocean:index/droplet:Droplet");
    expect(droplet).toMatchObject({
      volumeIds: ["data-id"],
      gracefulShutdown: true,
      resizeDisk: false,
      monitoring: true,
      tags: ["aihub-test"],
    });
    expect(one(registered, "digitalocean:index/reservedIp:ReservedIp").dropletId).toBe(4711);
  });

  it("stops the services before another size cuts the power", () => {
    expect(hooks).toEqual(["quiesce-before-resize"]);
  });

  it("prepares the host again when the volume has grown", () => {
    const { triggers } = one(registered, "command:remote:Command", "prepare");
    expect(triggers).toEqual(["4711", 50]);
  });

  it("puts no secret of the application into user_data", () => {
    const text = JSON.stringify(one(registered, "digitalocean:index/droplet:Droplet").userData);
    expect(text).toContain("ssh_keys");
    expect(text).not.toMatch(/random-/);
  });

  it("does everything again on another host: each command is triggered by the droplet", () => {
    const commands = registered.filter((each) => each.type.startsWith("command:remote:"));
    expect(commands.map((each) => each.name)).toEqual([
      "prepare",
      "secrets",
      "release",
      "apply",
      "quiesce",
    ]);
    for (const { name, inputs } of commands) {
      expect(inputs.triggers as unknown[], name).toContain("4711");
      const connection = inputs.connection as Record<string, unknown>;
      expect(connection, name).toMatchObject({
        dialErrorLimit: name === "quiesce" ? 10 : 60,
        hostKey: "ssh-ed25519 host",
      });
      expect(inputs.environment, name).toBeUndefined();
      if (name !== "release") {
        expect(inputs.logging, name).toBe("none");
        expect(inputs.addPreviousOutputInEnv, name).toBe(false);
        expect(inputs.create, name).not.toMatch(/random-|PRIVATE KEY/);
      }
    }
  });

  it("lets nothing but the stop hook act when a command is deleted", () => {
    for (const { name, inputs } of registered.filter((each) =>
      each.type.startsWith("command:remote:"),
    )) {
      if (name === "quiesce") {
        expect(inputs.create).toBe("true");
        expect(inputs.delete).toContain("docker stop");
      } else expect(inputs.delete, name).toBeUndefined();
    }
  });

  it("rolls out anew when release or secrets change", () => {
    const { triggers, create } = one(registered, "command:remote:Command", "apply");
    expect((triggers as string[])[1]).toBe(outputs.release);
    expect(create).toContain(String(outputs.release));
    expect(triggers as string[]).toHaveLength(3);
  });

  it("looks the zone up and owns one record of it", () => {
    expect(one(registered, "digitalocean:index/dnsRecord:DnsRecord")).toMatchObject({
      domain: "example.com",
      name: "aihub",
      type: "A",
      value: "203.0.113.99",
    });
    expect(registered.some((each) => each.type === "digitalocean:index/domain:Domain")).toBe(false);
  });

  it("keeps the reserved IP out of the project", () => {
    expect(
      one(registered, "digitalocean:index/projectResources:ProjectResources").resources,
    ).toEqual(["do:droplet:1", "do:volume:1"]);
  });

  it("watches CPU, memory, disk and load, and whether it answers", () => {
    const alerts = registered.filter((each) => each.type.endsWith(":MonitorAlert"));
    expect(alerts.map((each) => String(each.inputs.type).split("/").at(-1)).sort()).toEqual([
      "cpu",
      "disk_utilization_percent",
      "load_5",
      "memory_utilization_percent",
    ]);
    for (const { inputs } of alerts) {
      expect(inputs).toMatchObject({
        tags: ["aihub-test"],
        alerts: { emails: ["ops@example.com"] },
      });
    }
    expect(one(registered, "digitalocean:index/uptimeCheck:UptimeCheck").target).toBe(
      "http://aihub.example.com",
    );
  });

  it("tells the addresses and what it costs, and keeps secrets secret", () => {
    expect(outputs).toMatchObject({
      url: "https://aihub.example.com",
      mcpUrl: "https://aihub.example.com/mcp",
      filesUrl: "https://aihub.example.com/files/",
      codeUrl: "https://aihub.example.com/code/",
      homeUrl: "https://aihub.example.com/hub/",
      ipAddress: "203.0.113.99",
      sshCommand: "ssh root@203.0.113.99",
      adminEmail: "admin@example.com",
      adminPassword: "random-admin",
      mcpToken: "random-mcp-token",
      escrow: {
        passwords: {
          adminPassword: "random-admin",
          mcpToken: "random-mcp-token",
          webuiSecretKey: "random-webui-secret-key",
          postgresPassword: "random-postgres",
          valkeyPassword: "random-valkey",
          backupPassword: "random-backup",
        },
      },
    });
    expect(outputs.release).toMatch(/^[0-9a-f]{16}$/);
    expect(outputs.monthlyCost).toMatchObject({ currency: "USD", total: 38 });
    for (const name of ["adminPassword", "mcpToken", "sshPrivateKey", "escrow"])
      expect(secret[name], name).toBe(true);
    for (const name of ["url", "ipAddress", "release"]) expect(secret[name], name).toBe(false);
  });
});

describe("other settings", () => {
  it("a zone kept elsewhere: no record, and the outputs say which to make", async () => {
    const { registered, outputs } = await run({ dns: "elsewhere" });
    expect(registered.some((each) => each.type.endsWith(":DnsRecord"))).toBe(false);
    expect(outputs.dnsRecord).toBe("aihub.example.com A 203.0.113.99");
  });

  it("a certificate by ACME: one of our own until it comes, and its expiry is watched", async () => {
    const { registered, outputs } = await run({ tlsMode: "acme" });
    expect(registered.some((each) => each.type.endsWith(":Certificate"))).toBe(true);
    expect(outputs.caCertificate).toBeUndefined();
    const alerts = registered.filter((each) => each.type.endsWith(":UptimeAlert"));
    expect(alerts.map((each) => each.inputs.type).sort()).toEqual(["down_global", "ssl_expiry"]);
  });

  it("a provided certificate: no CA of our own, and its expiry is watched", async () => {
    const { registered, outputs } = await run({
      tlsMode: "provided",
      tlsCertificate: "-----BEGIN CERTIFICATE-----x",
      tlsPrivateKey: "-----BEGIN PRIVATE KEY-----x",
    });
    expect(outputs.caCertificate).toBeUndefined();
    const alerts = registered.filter((each) => each.type.endsWith(":UptimeAlert"));
    expect(alerts.map((each) => each.inputs.type).sort()).toEqual(["down_global", "ssl_expiry"]);
    expect(one(registered, "digitalocean:index/uptimeCheck:UptimeCheck")).toMatchObject({
      type: "https",
      target: "https://aihub.example.com",
    });
  });

  it("passwords recovered from an escrow: they are used, and random ones are made all the same", async () => {
    const names = ["adminPassword", "mcpToken", "webuiSecretKey", "postgresPassword"];
    const recovered = Object.fromEntries(
      [...names, "valkeyPassword", "backupPassword"].map((name) => [name, `recovered${name}00000`]),
    );
    const { registered, outputs, secret } = await run({ recovered: JSON.stringify(recovered) });
    expect(outputs).toMatchObject({
      adminPassword: recovered.adminPassword,
      mcpToken: recovered.mcpToken,
      escrow: {
        passwords: recovered,
        repository: {
          location: "s3:https://nyc3.digitaloceanspaces.com/aihub-test-backups-x7k2",
          password: recovered.backupPassword,
          access: {
            AWS_ACCESS_KEY_ID: "access of backups-of-host",
            AWS_SECRET_ACCESS_KEY: "secret of backups-of-host",
          },
        },
      },
    });
    for (const name of ["adminPassword", "mcpToken", "escrow"]) expect(secret[name]).toBe(true);
    const made = registered.filter((each) => each.type.endsWith(":RandomPassword"));
    expect(made.map((each) => each.name)).toEqual([
      "admin",
      "mcp-token",
      "webui-secret-key",
      "postgres",
      "valkey",
      "backup",
    ]);
    const secrets = JSON.stringify(one(registered, "command:remote:Command", "secrets"));
    const archive = /"stdin":"([A-Za-z0-9+/=]+)/.exec(secrets)?.[1] ?? "";
    const files = gunzipSync(Buffer.from(archive, "base64")).toString();
    for (const name of names) expect(files, name).toContain(`recovered${name}00000`);
    expect(files).not.toContain("random-");
    const others = registered.filter((each) => each.name !== "secrets");
    expect(JSON.stringify(others)).not.toMatch(/recovered[a-z]+Password/);
  });

  it("no address for alerts: none are made", async () => {
    const { registered } = await run({ alertEmail: "" });
    expect(registered.some((each) => /Alert|Uptime/.test(each.type))).toBe(false);
  });

  it("the bare domain", async () => {
    const { registered } = await run({ subdomain: "" });
    expect(one(registered, "digitalocean:index/dnsRecord:DnsRecord").name).toBe("@");
  });

  it("wrong ones end the program before anything is registered, without a stack trace", async () => {
    await expect(run({ domain: "https://example.com" })).rejects.toSatisfy(
      (error) => pulumi.RunError.isInstance(error) && /bare domain/.test(String(error)),
    );
    await expect(run({ size: "s-1vcpu-1gb" })).rejects.toThrow(/memory plan does not fit/);
  });

  it("no token: says where to get one", async () => {
    const token = run();
    delete process.env.DIGITALOCEAN_TOKEN;
    delete process.env.DIGITALOCEAN_ACCESS_TOKEN;
    await expect(token).rejects.toThrow(/cloud\.digitalocean\.com\/account\/api\/tokens/);
  });
});

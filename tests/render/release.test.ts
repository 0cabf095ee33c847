import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { type Release, renderRelease } from "../../render/release.ts";
import { fill } from "../../render/template.ts";
import { bundles, exampleHub } from "./example.ts";
import { unpack } from "./unpack.ts";

interface Service {
  image: string;
  user?: string;
  ports?: string[];
  networks?: string[];
  volumes?: string[];
  healthcheck?: { test: string[] };
  cap_drop?: string[];
  security_opt?: string[];
  mem_limit?: string;
  mem_reservation?: string;
  logging?: { options: Record<string, string> };
  restart?: string;
  read_only?: boolean;
  depends_on?: Record<string, unknown>;
}

interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
}

const composeOf = (release: Release) =>
  load(release.files["compose.yaml"]?.content ?? "") as Compose;

describe("a release", () => {
  it("is the same, byte for byte, for the same settings", async () => {
    const [one, two] = [
      await renderRelease(exampleHub(), bundles),
      await renderRelease(exampleHub(), bundles),
    ];
    expect(one.digest).toMatch(/^[0-9a-f]{16}$/);
    expect(two.digest).toBe(one.digest);
    expect(two.archive).toBe(one.archive);
  });

  it("is another one when anything in it changes", async () => {
    const base = (await renderRelease(exampleHub(), bundles)).digest;
    const others = [
      await renderRelease(exampleHub({ uploadLimitMib: "300" }), bundles),
      await renderRelease(exampleHub({ images: '{"nginx":"nginx:1.29"}' }), bundles),
      await renderRelease(exampleHub(), { ...bundles, mcpServer: "other" }),
    ].map((release) => release.digest);
    expect(new Set([base, ...others]).size).toBe(4);
  });

  it("arrives as a tar whose files are those of its manifest", async () => {
    const release = await renderRelease(exampleHub(), bundles);
    const found = await unpack(release.archive);
    expect(Object.keys(found).sort()).toEqual(Object.keys(release.files).sort());
    const listed = (found["manifest.sha256"]?.content ?? "")
      .trim()
      .split("\n")
      .map((line) => line.slice(66));
    expect(listed.sort()).toEqual(
      Object.keys(found)
        .filter((path) => path !== "manifest.sha256")
        .sort(),
    );
  });

  it("leaves no place of a template unfilled", async () => {
    const release = await renderRelease(exampleHub(), bundles);
    for (const [path, { content }] of Object.entries(release.files)) {
      // Go's own braces in a docker format are not ours.
      if (!/^(apply|prune|report|stand-in|switch|recovery\/install)\.sh$/.test(path))
        expect(content, path).not.toMatch(/\{\{/);
    }
  });

  it("touches only the service whose files change", async () => {
    const before = composeOf(await renderRelease(exampleHub(), bundles)).services;
    const changed = async (raw: Record<string, string>, other = bundles) => {
      const after = composeOf(await renderRelease(exampleHub(raw), other)).services;
      return Object.keys(after).filter(
        (name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]),
      );
    };
    expect(await changed({ uploadLimitMib: "300" })).toEqual(["nginx"]);
    expect(await changed({ images: '{"valkey":"valkey/valkey:8.0"}' })).toEqual(["valkey"]);
    expect(await changed({}, { ...bundles, setup: "other" })).toEqual(["setup"]);
    expect(await changed({}, { ...bundles, mcpServer: "other" })).toEqual(["mcp-server", "setup"]);
  });
});

describe("the compose file", () => {
  it("publishes the ports of nginx and no other", async () => {
    const { services } = composeOf(await renderRelease(exampleHub(), bundles));
    for (const [name, service] of Object.entries(services)) {
      if (name === "nginx") expect(service.ports).toEqual(["80:8080", "443:8443"]);
      else expect(service.ports, name).toBeUndefined();
    }
  });

  it("keeps database and cache on a network without a way out", async () => {
    const { services, networks } = composeOf(await renderRelease(exampleHub(), bundles));
    expect(networks.data?.internal).toBe(true);
    expect(services.postgres?.networks).toEqual(["data"]);
    expect(services.valkey?.networks).toEqual(["data"]);
  });

  it("limits, hardens and watches every service", async () => {
    const { services } = composeOf(await renderRelease(exampleHub(), bundles));
    for (const [name, service] of Object.entries(services)) {
      expect(service.mem_limit, name).toMatch(/^\d+m$/);
      expect(service.mem_reservation, name).toMatch(/^\d+m$/);
      expect(service.cap_drop, name).toEqual(["ALL"]);
      expect(service.security_opt, name).toContain("no-new-privileges:true");
      expect(service.logging?.options["max-size"], name).toBeDefined();
      expect(service.image, name).not.toMatch(/:latest$|^[^:]+$/);
      if (name !== "setup") {
        expect(service.healthcheck?.test.length, name).toBeGreaterThan(1);
        expect(service.restart, name).toBe("unless-stopped");
      }
    }
    for (const name of ["nginx", "mcp-server", "files", "postgres", "valkey"]) {
      expect(services[name]?.read_only, name).toBe(true);
      expect(services[name]?.user, name).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    }
    expect(services["open-webui"]?.healthcheck?.test.join(" ")).toContain("/ready");
  });

  it("brings the backup program's image to the host, where no service runs from it", async () => {
    const release = await renderRelease(exampleHub(), bundles);
    expect(release.files["images.txt"]?.content).toContain("restic/restic:0.18.1\n");
    expect(JSON.stringify(composeOf(release))).not.toContain("restic");
  });

  it("has certbot with tlsMode acme alone, without a right that it does not need", async () => {
    const internal = composeOf(await renderRelease(exampleHub(), bundles)).services;
    expect(internal.certbot).toBeUndefined();
    const release = await renderRelease(exampleHub({ tlsMode: "acme" }), bundles);
    const { services } = composeOf(release);
    expect(services.certbot).toMatchObject({ user: "102:102", read_only: true, cap_drop: ["ALL"] });
    expect(services.certbot?.ports).toBeUndefined();
    expect(services.certbot?.image).toBe("certbot/certbot:v5.8.0");
    expect(release.files["images.txt"]?.content).toContain("certbot/certbot:v5.8.0");
    // Keys are in reach of who makes them and of who serves by them.
    const reach = (path: string) =>
      Object.keys(services).filter((name) =>
        services[name]?.volumes?.some((volume) => volume.startsWith(path)),
      );
    expect(reach("/data/certificates/certbot:")).toEqual(["certbot"]);
    expect(reach("/data/certificates/serving:")).toEqual(["nginx", "certbot"]);
    expect(services.nginx?.volumes).toContain("/data/certificates/serving:/run/serving:ro");
    const folders = release.files["data.tsv"]?.content.split("\n") ?? [];
    expect(folders.findIndex((line) => line.startsWith("/data/certificates\t"))).toBeLessThan(
      folders.findIndex((line) => line.startsWith("/data/certificates/")),
    );
  });

  it("writes to the data volume alone", async () => {
    const { services } = composeOf(await renderRelease(exampleHub(), bundles));
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? []) {
        if (!volume.endsWith(":ro")) expect(volume, name).toMatch(/^\/data\//);
      }
    }
  });

  it("leaves out what is external, and nobody waits for it", async () => {
    const external = exampleHub({
      databaseUrl: "postgresql://u:p@h:5432/d",
      redisUrl: "rediss://u:p@h:25061",
    });
    const { services } = composeOf(await renderRelease(external, bundles));
    expect(services.postgres).toBeUndefined();
    expect(services.valkey).toBeUndefined();
    expect(services["open-webui"]?.depends_on).toBeUndefined();
  });
});

describe("a template", () => {
  it("with a place nobody fills is an error", () => {
    expect(() => fill("a {{b}}", {})).toThrow(/no value for \{\{b\}\}/);
  });

  it("takes no value that would add a line", () => {
    expect(() => fill("a={{b}}", { b: "1\nEVIL=1" })).toThrow(/more than one line/);
  });
});

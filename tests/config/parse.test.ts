import { describe, expect, it } from "vitest";
import { parseConfig } from "../../config/parse.ts";
import { stagingServer } from "../../config/schema.ts";

const sound = {
  domain: "example.com",
  adminEmail: "admin@example.com",
  adminCidrs: '["203.0.113.7/32"]',
};

describe("settings that are right", () => {
  it("are read with their defaults", () => {
    const { settings, secrets } = parseConfig(sound);
    expect(settings).toMatchObject({
      project: "aihub",
      subdomain: "aihub",
      region: "nyc3",
      size: "s-2vcpu-4gb",
      image: "docker-20-04",
      hostGeneration: 1,
      volumeSizeGib: 50,
      tlsMode: "internal",
    });
    expect(settings.images.nginx).toMatch(/^nginx:/);
    expect(settings.alertEmail).toBeUndefined();
    expect(secrets).toEqual({});
  });

  it("treats an empty value as not given, except for the subdomain", () => {
    const { settings } = parseConfig({ ...sound, alertEmail: "", subdomain: "", size: "" });
    expect(settings.alertEmail).toBeUndefined();
    expect(settings.subdomain).toBe("");
    expect(settings.size).toBe("s-2vcpu-4gb");
  });

  it("changes one image and keeps the others", () => {
    const { settings } = parseConfig({ ...sound, images: '{"nginx":"nginx:1.29"}' });
    expect(settings.images.nginx).toBe("nginx:1.29");
    expect(settings.images.valkey).toMatch(/^valkey/);
  });

  it.each([
    ["databaseUrl", "postgresql://u:p@db.example.com:5432/hub"],
    ["databaseUrl", "postgres://u:p@db.example.com/hub?sslmode=require"],
    ["redisUrl", "rediss://u:p@cache.example.com:25061"],
    ["modelApiUrl", "https://api.example.com/v1"],
  ])("takes %s %s", (key, value) => {
    expect(() => parseConfig({ ...sound, [key]: value })).not.toThrow();
  });
});

describe("settings that are wrong", () => {
  it.each([
    ["domain", "https://example.com", /has a scheme.*bare domain/],
    ["domain", "exa mple.com", /not a domain name/],
    ["subdomain", "a_b", /not a DNS label/],
    ["region", "mars1", /unknown region "mars1"; known: nyc1/],
    ["size", "s-huge", /unknown size "s-huge"; known: s-1vcpu-1gb/],
    ["image", "windows-95", /unknown image "windows-95"/],
    ["adminCidrs", '["0.0.0.0/0"]', /opens SSH to the whole internet/],
    ["adminCidrs", '["::/0"]', /opens SSH to the whole internet/],
    ["adminCidrs", '["10.0.0.1"]', /not an address range/],
    ["adminCidrs", "[]", /at least one address range/],
    ["adminCidrs", "203.0.113.7/32", /is not JSON/],
    ["adminEmail", "admin", /must be an e-mail address/],
    ["databaseUrl", "mysql://u:secretpassword@h/d", /is not a URL of the form postgresql:/],
    ["databaseUrl", "postgresql://u:secretpassword@h", /is not a URL of the form postgresql:/],
    ["databaseUrl", "secretpassword", /is not a URL of the form postgresql:/],
    ["redisUrl", "http://x", /is not a URL of the form rediss:/],
    ["images", '{"nginx":"nginx:latest"}', /tag latest.*pin a version/],
    ["images", '{"nginx":"nginx"}', /names no version/],
    ["images", '{"apache":"httpd:2"}', /unknown parts: apache/],
    ["timezone", "Mars/Olympus", /unknown time zone/],
    ["hostGeneration", "0", /hostGeneration/],
    ["volumeSizeGib", "many", /volumeSizeGib/],
    ["tlsMode", "none", /unknown TLS mode/],
    ["acmeServer", "http://ca.example/directory", /is not a URL of the form https/],
    ["acmeCa", "/etc/ca.pem", /must be a PEM certificate/],
    ["recovered", "secretpassword", /must be the passwords of an escrow/],
    ["recovered", '{"adminPassword":"secretpassword0000"}', /must be the passwords of an escrow/],
    ["acmeResolver", "ns.example", /must be the address of a DNS server/],
  ])("%s %s is refused, with the command that fixes it", (key, value, message) => {
    const attempt = () => parseConfig({ ...sound, [key]: value });
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(new RegExp(`pulumi config set .*aihub:${key}`));
    expect(attempt).not.toThrow(/secretpassword/);
  });

  it("are all reported at once", () => {
    expect(() => parseConfig({ domain: "https://x.com", size: "tiny" })).toThrow(
      /4 settings need attention[\s\S]*domain[\s\S]*size[\s\S]*adminCidrs[\s\S]*adminEmail/,
    );
  });

  it("says which setting was meant by a misspelt one", () => {
    expect(() => parseConfig({ ...sound, domian: "x.com" })).toThrow(
      /aihub:domian is not a setting; did you mean aihub:domain\?/,
    );
  });

  it("needs certificate and key for a provided certificate", () => {
    expect(() => parseConfig({ ...sound, tlsMode: "provided" })).toThrow(
      /tlsCertificate is needed[\s\S]*tlsPrivateKey is needed/,
    );
  });

  it("names the command of the driver at hand", () => {
    expect(() => parseConfig({}, "npm run hub -- config")).toThrow(
      /npm run hub -- config set aihub:domain/,
    );
  });
});

describe("the ACME server for a trial", () => {
  it("is Let's Encrypt's own with Let's Encrypt, none with another, and the one that is named", () => {
    const staging = (raw: Record<string, string>) =>
      stagingServer(parseConfig({ ...sound, tlsMode: "acme", ...raw }).settings);
    expect(staging({})).toBe("https://acme-staging-v02.api.letsencrypt.org/directory");
    expect(staging({ acmeServer: "https://ca.example/directory" })).toBeUndefined();
    const named = "https://trial.example/directory";
    expect(staging({ acmeStagingServer: named })).toBe(named);
  });
});

describe("the place of backups", () => {
  const withBackup = (backup: object, secrets = {}) =>
    parseConfig({ ...sound, backup: JSON.stringify(backup), ...secrets }).settings.backup;

  it("is Spaces unless another one is named", () => {
    expect(parseConfig(sound).settings.backup).toMatchObject({
      to: "spaces",
      everyMinutes: 15,
      nightlyAt: "02:00",
      keep: { hourly: 24, daily: 30, weekly: 8, monthly: 12 },
    });
    expect(withBackup({ to: "/mnt/backups" }).to).toBe("/mnt/backups");
  });

  it("is refused where the host could not use it, before anything is made", () => {
    for (const to of ["dropbox", "sftp:user@host:relative", "s3:https://host", "/a/../b"]) {
      expect(() => withBackup({ to }), to).toThrow(/backup\.to must be spaces, off, s3:/);
    }
    expect(() => withBackup({ copyTo: "spaces" })).toThrow(/copyTo must be a place/);
    expect(() => withBackup({ to: "/mnt/backups", copyTo: "/mnt/backups/" })).toThrow(
      /backup\.copyTo must be another place than backup\.to\n.*set --path aihub:backup\.copyTo/,
    );
    expect(withBackup({ to: "/mnt/backups", copyTo: "/mnt/copy" }).copyTo).toBe("/mnt/copy");
  });

  it("needs what opens the way to it", () => {
    expect(() => withBackup({ to: "s3:https://host/bucket" })).toThrow(
      /backupAccessKey is needed by backup\.to[\s\S]*backupSecretKey/,
    );
    expect(() => withBackup({ to: "sftp:u@host:/hub" })).toThrow(
      /backupSshKey is needed[\s\S]*backup\.hostKey is needed/,
    );
    const keys = { backupAccessKey: "a", backupSecretKey: "s" };
    expect(withBackup({ to: "s3:https://host/bucket" }, keys).to).toBe("s3:https://host/bucket");
  });
});

import { execFile } from "node:child_process";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../../config/parse.ts";
import type { EscrowContents, EscrowOutput } from "../../../escrow/contents.ts";
import { adoptEscrow } from "../../../scripts/hub/adopt-escrow.ts";
import { gatherEscrow } from "../../../scripts/hub/gather-escrow.ts";
import { repository as checkout } from "../../../scripts/hub/stack.ts";
import { silent } from "../../../scripts/progress.ts";
import { ensurePulumi } from "../../../scripts/toolchain/index.ts";
import { contents as example } from "../../escrow/example.ts";

/** The real engine with stacks that hold no resources of a cloud, only outputs. */
describe("from one stack to another, on the real engine", () => {
  let folder: string;
  let env: Record<string, string>;
  let command: PulumiCommand;
  let argumentsLog: string;
  let pulumiPath: string;
  let gathered: EscrowContents;

  const output: EscrowOutput = {
    passwords: example.passwords,
    repository: example.repository,
    ...(example.copy ? { copy: example.copy } : {}),
    signingKey: "ssh-ed25519 AAAA",
  };

  async function stack(name: string, escrow: EscrowOutput = output) {
    const program = async () => ({ url: example.url, escrow: pulumi.secret(escrow) });
    return {
      stack: await LocalWorkspace.createOrSelectStack(
        { stackName: name, projectName: "aihub", program },
        { workDir: folder, pulumiCommand: command, envVars: env },
      ),
      env,
      pulumi: pulumiPath,
      workDir: folder,
    };
  }

  type Opened = Awaited<ReturnType<typeof stack>>;

  async function raw({ stack }: Opened): Promise<Record<string, string>> {
    return Object.fromEntries(
      Object.entries(await stack.getAllConfig()).map(([key, { value }]) => [
        key.replace("aihub:", ""),
        value,
      ]),
    );
  }

  const stackFileOf = (name: string) => readFile(join(folder, `Pulumi.${name}.yaml`), "utf8");

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aihub-adopt-test-"));
    await copyFile(join(checkout, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    const { root } = await ensurePulumi(silent);
    command = await PulumiCommand.get({ root, skipVersionCheck: true });
    await mkdir(join(folder, "state"));
    env = {
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_HOME: join(folder, "home"),
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "1",
    };
    // The plain CLI, which writes down what it was called with.
    argumentsLog = join(folder, "arguments.log");
    pulumiPath = join(folder, "pulumi");
    await writeFile(
      pulumiPath,
      `#!/bin/sh\nprintf '%s\\n' "$*" >>${argumentsLog}\nexec ${root}/bin/pulumi "$@"\n`,
    );
    await chmod(pulumiPath, 0o755);

    const old = await stack("old");
    await old.stack.setAllConfig({
      "aihub:domain": { value: "example.com" },
      "aihub:subdomain": { value: "" },
      "aihub:adminEmail": { value: "admin@example.com" },
      "aihub:volumeSizeGib": { value: "60" },
      "aihub:modelApiKey": { value: "secret model 'key' $(x)", secret: true },
      "aihub:tlsCertificate": { value: "-----BEGIN CERTIFICATE-----\nAA\n", secret: true },
      "aihub:recovered": { value: JSON.stringify(example.passwords), secret: true },
    });
    await old.stack.setAllConfig(
      {
        "aihub:adminCidrs[0]": { value: "203.0.113.7/32" },
        "aihub:adminCidrs[1]": { value: "198.51.100.0/24" },
        "aihub:images.nginx": { value: "nginx:1.29" },
        "aihub:access.files": { value: "admins" },
      },
      true,
    );
    await old.stack.up();
    gathered = await gatherEscrow(old);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("gathers settings, secrets and passwords, the recovered ones among the passwords alone", () => {
    expect(gathered).toMatchObject({ stack: "old", url: example.url, ...output });
    expect(gathered.settings).toMatchObject({ subdomain: "", volumeSizeGib: "60" });
    expect(gathered.settings).not.toHaveProperty("alertEmail");
    expect(JSON.parse(gathered.settings.adminCidrs ?? "")).toEqual([
      "203.0.113.7/32",
      "198.51.100.0/24",
    ]);
    expect(Object.keys(gathered.secrets).sort()).toEqual(["modelApiKey", "tlsCertificate"]);
  });

  it("says that backups are off, or that there is no hub", async () => {
    const off = await stack("off", { passwords: example.passwords });
    await expect(gatherEscrow(off)).rejects.toThrow(/no hub yet; npm start -- --stack off/);
    await off.stack.up();
    await expect(gatherEscrow(off)).rejects.toThrow(/Backups are off/);
  });

  it("keeps the keys out of what the engine prints, and out of its state in clear", async () => {
    const { stdout } = await promisify(execFile)(
      pulumiPath,
      ["stack", "output", "--json", "--stack", "old"],
      { cwd: folder, env: { ...process.env, ...env } },
    );
    expect(JSON.parse(stdout)).toEqual({ url: example.url, escrow: "[secret]" });
    const names = await readdir(join(folder, "state"), { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile());
    const texts = await Promise.all(
      files.map((entry) => readFile(join(entry.parentPath, entry.name), "latin1")),
    );
    expect(texts.join("\n")).toContain(example.url);
    expect(texts.join("\n")).not.toMatch(/secret(Backup|-access)/);
  });

  it("gives a new stack the same settings and the old passwords, encrypted", async () => {
    const open = await stack("new");
    // What the new one had of its own gives way.
    await open.stack
      .setConfig("aihub:adminCidrs[2]", { value: "192.0.2.1/32" }, true)
      .catch(() => {});
    await adoptEscrow(open, gathered, { force: false });

    const now = await raw(open);
    const { recovered, backup, backupAccessKey, backupSecretKey, ...rest } = now;
    expect(JSON.parse(recovered ?? "")).toEqual(example.passwords);
    expect(JSON.parse(backup ?? "")).toMatchObject({ to: example.repository.location });
    expect(backupAccessKey).toBe("secret-access-id");
    expect(backupSecretKey).toBe("secret-access-key");
    const { recovered: _, ...before } = await raw(await stack("old"));
    expect(parseConfig(rest)).toEqual(parseConfig(before));
    expect(parseConfig({ ...rest, recovered: recovered ?? "" }).secrets.recovered).toEqual(
      example.passwords,
    );

    const text = await stackFileOf("new");
    expect(text).toMatch(/aihub:adminCidrs:\n\s+- 203/);
    expect(text.match(/secure:/g)).toHaveLength(5);
    expect(text).not.toMatch(/secret/);
    expect(await readFile(argumentsLog, "utf8")).not.toMatch(
      /secret[A-Z]|secret-access|secret model|BEGIN/,
    );
  });

  it("leaves a stack alone that has made something, unless forced", async () => {
    const used = await stack("used");
    await used.stack.up();
    const before = await stackFileOf("used").catch(() => "");
    await expect(adoptEscrow(used, gathered, { force: false })).rejects.toThrow(
      /has resources already/,
    );
    expect(await stackFileOf("used").catch(() => "")).toBe(before);
    await adoptEscrow(used, gathered, { force: true });
    expect(await stackFileOf("used")).toMatch(/aihub:recovered:/);
  });

  it("leaves the settings as they were when it fails on the way", async () => {
    const open = await stack("failing");
    await open.stack.setConfig("aihub:domain", { value: "example.org" });
    const before = await stackFileOf("failing");
    const failing = { ...open, pulumi: "/bin/false" };
    await expect(adoptEscrow(failing, gathered, { force: false })).rejects.toThrow();
    expect(await stackFileOf("failing")).toBe(before);
  });
});

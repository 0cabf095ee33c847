/** What must not replace the host, does not. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { beUp, changedCheckout, hub, hubOk } from "./hub.ts";

beforeAll(async () => {
  await beUp();
});

async function previewFrom(root?: string) {
  const run = await hub(["preview", "--json"], root ? { from: root } : {});
  expect(run.exitCode, run.all.slice(-2000)).toBe(0);
  return JSON.parse(run.stdout) as Record<string, number>;
}

it("another base image does not", async () => {
  await hubOk(["config", "set", "image", "ubuntu-24-04-x64"]);
  try {
    expect(await previewFrom()).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
  } finally {
    await hubOk(["config", "rm", "image"]);
  }
});

it("another user_data text does not", async () => {
  const changed = await changedCheckout(async (root) => {
    const file = join(root, "render/cloud-init.ts");
    const text = await readFile(file, "utf8");
    await writeFile(
      file,
      text.replace("ssh_pwauth: false,", "ssh_pwauth: false, package_update: false,"),
    );
  });
  try {
    expect(await previewFrom(changed.root)).toMatchObject({
      create: 0,
      update: 0,
      replace: 0,
      delete: 0,
    });
  } finally {
    await changed.dispose();
  }
});

it("another SSH key of the account does not touch the host", async () => {
  const changed = await changedCheckout(async (root) => {
    const file = join(root, "components/host-access.ts");
    const text = await readFile(file, "utf8");
    // A second key beside the first: what is ignored is the droplet's list of keys.
    await writeFile(
      file,
      text
        .replace(
          "this.privateKey = pulumi.secret",
          `const second = new tls.PrivateKey("second", { algorithm: "ED25519" }, { parent: this });
    this.sshKey = new digitalocean.SshKey("second", { name: args.name + "-second", publicKey: second.publicKeyOpenssh.apply((key) => key.trim()) }, { parent: this });
    this.privateKey = pulumi.secret`,
        )
        .replace("readonly sshKey", "sshKey"),
    );
  });
  try {
    const plan = await hub(["preview"], { from: changed.root });
    expect(plan.exitCode, plan.all.slice(-2000)).toBe(0);
    expect(plan.stdout).toMatch(/creating second \(SshKey\)/);
    expect(plan.stdout).not.toMatch(/Droplet|Volume|ReservedIp/);
  } finally {
    await changed.dispose();
  }
});

it("an SSH range changes the firewall in place", async () => {
  await hubOk(["config", "set", "adminCidrs", "127.0.0.0/8,198.51.100.0/24"]);
  try {
    expect(await previewFrom()).toMatchObject({ create: 0, update: 1, replace: 0, delete: 0 });
  } finally {
    await hubOk(["config", "set", "adminCidrs", "127.0.0.0/8"]);
  }
});

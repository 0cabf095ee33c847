import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { applyRelease, uploadPath } from "../../remote/apply-release.ts";
import { installSecrets } from "../../remote/install-secrets.ts";
import { prepareHost } from "../../remote/prepare-host.ts";
import { quiesceHost } from "../../remote/quiesce-host.ts";

const sh = promisify(execFile);
const host = { volumeName: "aihub-test-data", volumeLabel: "aihub-data", timezone: "UTC" };

describe("every command for the host", async () => {
  const commands: Record<string, string> = {
    prepare: (await prepareHost(host)).command,
    secrets: installSecrets(),
    apply: applyRelease("0123456789abcdef"),
    quiesce: quiesceHost(),
  };

  it.each(Object.entries(commands))("%s is sound shell", async (_name, command) => {
    await expect(sh("sh", ["-n", "-c", command])).resolves.toBeDefined();
  });

  it.each(Object.entries(commands))("%s cannot hang for ever", (_name, command) => {
    expect(command).toMatch(/timeout \d+ /);
  });

  it.each(Object.entries(commands))("%s is short: a failure repeats it whole", (_name, command) => {
    expect(command.length).toBeLessThan(700);
  });

  it.each(["prepare", "secrets", "apply"])("%s stops at its first error", (name) => {
    expect(commands[name]).toMatch(/^set -eu/);
  });

  it("quiesce never fails, on a host where nothing is left to stop", async () => {
    const path = "/usr/bin:/bin";
    const harmless = quiesceHost()
      .replaceAll("/data", "/nonexistent-data")
      .replaceAll("systemctl stop", "false");
    await expect(
      sh("sh", ["-c", harmless.replaceAll("docker", "/nonexistent/docker")], {
        env: { PATH: path },
      }),
    ).resolves.toBeDefined();
  });

  it("secrets come by standard input, never readable by others on the way", () => {
    expect(commands.secrets).toContain("umask 077");
    expect(commands.secrets).toContain("base64 -d");
  });

  it("the release is unpacked from where it is uploaded to", () => {
    expect(commands.apply).toContain(uploadPath("0123456789abcdef"));
  });

  it("a volume name cannot break out of the command", async () => {
    const { command } = await prepareHost({ ...host, volumeName: "x'; touch /tmp/evil; '" });
    const words = command.slice(command.indexOf("exec timeout"));
    const { stdout } = await sh("sh", [
      "-c",
      `${words.replace(/^exec timeout \d+ sh \S+/, "printf '%s\\n'").replace("</dev/null", "")}`,
    ]);
    expect(stdout.split("\n")[0]).toBe("x'; touch /tmp/evil; '");
  });
});

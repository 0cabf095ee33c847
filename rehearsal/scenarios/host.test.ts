/** The host itself: what it lets in and out, and how it comes back. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import {
  ask,
  beUp,
  hub,
  hubOk,
  type Outputs,
  onHost,
  outputs,
  type Session,
  signIn,
} from "./hub.ts";

let to: Outputs;
let session: Session;

beforeAll(async () => {
  await beUp();
  to = await outputs();
  session = await signIn(to);
});

/** Asks until the answer is right; what is being started again may refuse for a while. */
async function eventually(what: string, right: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await right().catch(() => false)) return;
    await sleep(1000);
  }
  throw new Error(`not within five minutes: ${what}`);
}

const answers = (path: string, status: number) => async () =>
  (await ask(to, path, { headers: { Cookie: session.cookie } })).status === status;

describe("the host", () => {
  it("shuts the ports that its base image opens for Docker, and does not slow SSH down", async () => {
    const rules = await onHost("ufw status || true");
    if (/Status: active/.test(rules)) {
      expect(rules).not.toMatch(/237[56]/);
      expect(rules).not.toMatch(/22.*LIMIT/);
      expect(rules).toMatch(/22\/tcp\s+ALLOW/);
    }
    expect(await onHost("ss -ltnH | awk '{print $4}'")).not.toMatch(/:237[56]\b/);
  });

  it("keeps containers from the droplet's metadata", async () => {
    const look = await onHost(
      "docker exec aihub-code-server-1 curl -sS --max-time 5 http://169.254.169.254/metadata/v1.json 2>&1; echo exit $?",
    );
    // 7: refused at once, where an address that merely does not answer would take until the limit.
    expect(look).toMatch(/exit 7/);
    expect(await onHost("iptables -S DOCKER-USER")).toMatch(/169\.254\.169\.254\/32 -j REJECT/);
  });

  it("gives database and cache no way out", async () => {
    const way = await onHost(
      "docker exec aihub-postgres-1 sh -c 'cat /proc/net/route' | awk '$2 == \"00000000\"' | wc -l",
    );
    expect(way.trim()).toBe("0");
  });

  it("takes no password over SSH and updates itself", async () => {
    expect(await onHost("sshd -T | grep -E '^(passwordauthentication|permitrootlogin) '")).toMatch(
      /permitrootlogin (without-password|prohibit-password)\npasswordauthentication no|passwordauthentication no\npermitrootlogin (without-password|prohibit-password)/,
    );
    expect(await onHost("apt-config dump APT::Periodic::Unattended-Upgrade")).toContain('"1"');
  });

  it("finds a service again that was made anew, without a restart of nginx", async () => {
    const address =
      "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' aihub-files-1";
    const before = await onHost(address);
    // A neighbour takes the free address, so that the new container gets another.
    await onHost(
      "docker rm -f aihub-files-1 >/dev/null; docker run -d --rm --name neighbour --network aihub_edge node:24-slim sleep 600 >/dev/null; " +
        "docker compose -p aihub -f /opt/aihub/current/compose.yaml --env-file /opt/aihub/secrets/applied.env up -d --wait files 2>&1 | tail -n 3",
    );
    expect(await onHost(address)).not.toBe(before);
    await eventually("/files/ answers", answers("/files/", 200));
    await onHost("docker rm -f neighbour");
  });

  it("starts nothing without its volume, and everything with it", async () => {
    const link = "/dev/disk/by-id/scsi-0DO_Volume_$(cat /run/volume-name)";
    await onHost("cp /data/.aihub-volume /run/volume-name");
    await onHost(
      `systemctl stop docker.socket docker.service aihub-data.service; mv ${link} /run/hidden-link; sed -i 's/-ge 60/-ge 2/' /usr/local/sbin/aihub-mount-data`,
    );
    const start = await onHost(
      "systemctl start docker.service; systemctl is-active docker.service; ls /data | wc -l",
    ).catch((error: Error) => error.message);
    expect(start).toMatch(/inactive|failed/);
    const doctor = await hub(["doctor"]);
    expect(doctor.exitCode).not.toBe(0);
    expect(doctor.stdout).toContain("the volume is not mounted at /data");
    const status = await hub(["status"]);
    expect(status.exitCode).not.toBe(0);
    expect(status.stderr).toContain("Docker does not run on the host");

    // One of its name and label that is empty is not it either, as one is that was made anew.
    const unmarked = await onHost(
      `mv /run/hidden-link ${link}; systemctl reset-failed; mount ${link} /data && mv /data/.aihub-volume /data/.aside && umount /data; ` +
        "systemctl start docker.service; systemctl is-active docker.service; journalctl -u aihub-data.service -n 5 -o cat; " +
        `mount ${link} /data && mv /data/.aside /data/.aihub-volume && umount /data; mv ${link} /run/hidden-link`,
    ).catch((error: Error) => error.message);
    expect(unmarked).toMatch(/inactive|failed/);
    expect(unmarked).toContain("holds no hub");
    await onHost(
      `mv /run/hidden-link ${link}; sed -i 's/-ge 2/-ge 60/' /usr/local/sbin/aihub-mount-data; systemctl reset-failed; systemctl start docker.service`,
    );
    await eventually("the hub answers", answers("/files/", 200));
    await eventually("all is well", async () => (await hub(["doctor"])).exitCode === 0);
  });

  it("comes back by itself after a reboot", async () => {
    // In memory, so that it goes with the system; until then it is the hub of before that answers.
    await onHost("touch /run/before-the-reboot");
    await hub(["ssh", "--", "systemctl reboot"]);
    await eventually(
      "the system starts anew",
      async () => (await onHost("ls /run/before-the-reboot 2>/dev/null || echo gone")) === "gone",
    );
    await eventually("the hub answers", answers("/files/", 200));
    await eventually("all is well", async () => (await hub(["status"])).exitCode === 0);
    await hubOk(["preview", "--expect-no-changes"]);
  });
});

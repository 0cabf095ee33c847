import { statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { connect } from "node:tls";
import { currentInstance } from "../../rehearsal/instance.ts";
import { runningCloud } from "../../rehearsal/running-cloud.ts";
import { silent } from "../progress.ts";
import { openHost } from "./host.ts";
import { openStack, REHEARSAL } from "./stack.ts";
import { defineVerb } from "./verb.ts";

interface Finding {
  check: string;
  ok: boolean;
  detail: string;
}

export const verb = defineVerb({
  name: "doctor",
  summary:
    "Looks for what is wrong, from this machine to the hub's front door; fails when something is",
  options: { json: { type: "boolean", help: "print JSON and nothing else" } },
  async run(values) {
    const findings: Finding[] = [];
    const look = async (check: string, examine: () => Promise<string>) => {
      try {
        findings.push({ check, ok: true, detail: await examine() });
      } catch (error) {
        findings.push({
          check,
          ok: false,
          detail: error instanceof Error ? error.message : String(error),
        });
      }
    };
    await look("Node", async () => process.version);
    await look("disk space", async () => {
      const { bavail, bsize } = await statfs(homedir());
      const free = (bavail * bsize) / 2 ** 30;
      if (free < 5) throw new Error(`${free.toFixed(1)} GiB free; the rehearsal wants 15`);
      return `${free.toFixed(0)} GiB free`;
    });
    if (values.stack === undefined || values.stack === REHEARSAL) {
      await look("simulated DigitalOcean", async () => {
        const daemon = await runningCloud(currentInstance());
        if (!daemon) throw new Error("does not run; npm start brings it back");
        return `process ${daemon.pid} at ${daemon.apiUrl}`;
      });
    }
    const open = await openStack(values, silent, "engine");
    try {
      await look("settings", async () => `domain ${(await open.config()).settings.domain}`);
      const outputs = await open.stack.outputs();
      const address = outputs.ipAddress?.value as string | undefined;
      const url = outputs.url?.value as string | undefined;
      if (address === undefined || url === undefined) {
        await look("hub", async () => {
          throw new Error("not made yet; npm start makes it");
        });
      } else {
        const name = new URL(url).hostname;
        await look("certificate", () => certificate(address, name, outputs.caCertificate?.value));
        await look("SSH, volume and services", async () => {
          const host = await openHost(open);
          try {
            const { code, stdout, stderr } = await host.run(
              "set -eu; mountpoint -q /data || { echo 'the volume is not mounted at /data'; exit 1; }; " +
                "test -f /data/.aihub-volume || { echo 'what is mounted at /data is not the hub volume'; exit 1; }; " +
                "sick=$(docker ps -a --filter label=com.docker.compose.project=aihub --filter label=com.docker.compose.oneoff=False --format '{{.Label \"com.docker.compose.service\"}} {{.Status}}' | grep -v '(healthy)' || true); " +
                'if [ -n "$sick" ]; then echo "$sick"; exit 1; fi; echo "release $(basename $(readlink -f /opt/aihub/current))"',
            );
            if (code !== 0) throw new Error((stdout + stderr).trim());
            return stdout.trim();
          } finally {
            host.close();
          }
        });
      }
    } finally {
      await open.close();
    }
    const well = findings.every((finding) => finding.ok);
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ ok: well, findings }, null, 2)}\n`);
    } else {
      for (const { check, ok, detail } of findings) {
        process.stdout.write(`${ok ? "✔" : "✘"} ${check}: ${detail}\n`);
      }
    }
    return well ? 0 : 1;
  },
});

/** Asks the reserved IP itself, so that an address that leads nowhere is found even where DNS is right. */
function certificate(address: string, name: string, ca: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host: address,
        port: 443,
        servername: name,
        timeout: 15_000,
        ...(typeof ca === "string" ? { ca } : {}),
      },
      () => {
        const { valid_to: until } = socket.getPeerCertificate();
        socket.destroy();
        const days = Math.floor((Date.parse(until) - Date.now()) / 86_400_000);
        if (days < 14) reject(new Error(`expires in ${days} days, on ${until}`));
        else resolve(`good for ${days} days`);
      },
    );
    socket.on("timeout", () =>
      socket.destroy(new Error(`https://${name} at ${address} does not answer`)),
    );
    socket.on("error", (error) =>
      reject(new Error(`https://${name} at ${address}: ${error.message}`)),
    );
  });
}

import { backupReportOf } from "../../hub-server/status/backup-report.ts";
import type { HostReport } from "../../hub-server/status/host-report.ts";
import { type HubStatus, hubStatusOf } from "../../hub-server/status/hub-status.ts";
import { statusText } from "../../hub-server/status/status-text.ts";
import { type HostShell, withHost } from "./host.ts";
import { defineVerb } from "./verb.ts";

/** The host's report is made anew first, so that the answer is of now. */
const question =
  "timeout 15 docker version >/dev/null 2>&1 || exit 1; timeout 90 /usr/local/sbin/aihub-report once >/dev/null 2>&1; timeout 20 docker exec aihub-hub-server-1 node /opt/hub-server/main.mjs status --json";

/** For a host whose hub-server does not answer: what Docker says. */
const plainQuestion = [
  "set -eu",
  // Without its volume it does not start, and keeps who asks waiting.
  'timeout 15 docker version >/dev/null 2>&1 || { printf "✘ Docker does not run on the host, and no service: %s\\n" ' +
    '"$(journalctl -u aihub-data.service -u docker.service -n 1 -o cat | cut -c1-300)" >&2; ' +
    'printf "  fix: npm run hub -- doctor looks further\\n" >&2; exit 1; }',
  "date -u +%Y-%m-%dT%H:%M:%SZ",
  'basename "$(readlink -f /opt/aihub/current)"',
  "df --block-size=1 --output=size,used /data | tail -n 1",
  "cat /data/hub/status/backup.json 2>/dev/null || echo",
  "docker ps -aq --filter label=com.docker.compose.project=aihub --filter label=com.docker.compose.oneoff=False | " +
    `xargs -r docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}\t{{.Config.Image}}\t{{.State.Status}}\t{{if .State.Health}}{{.State.Health.Status}}{{end}}\t{{.State.StartedAt}}\t{{.RestartCount}}'`,
].join("; ");

export const verb = defineVerb({
  name: "status",
  summary: "Shows whether each service is healthy and the backups are good; fails when one is not",
  options: { json: { type: "boolean", help: "print JSON and nothing else" } },
  async run(values) {
    return withHost(values, async (host) => {
      const status = await hostStatus(host);
      if (!status) return 1;
      process.stdout.write(
        values.json ? `${JSON.stringify(status, null, 2)}\n` : statusText(status),
      );
      return status.healthy && !status.alarms.some(({ severity }) => severity === "alarm") ? 0 : 1;
    });
  },
});

/** How the hub is, by its own server, else by Docker. Undefined: neither answers. */
export async function hostStatus(host: HostShell): Promise<HubStatus | undefined> {
  return (await askHubServer(host)) ?? (await askDocker(host));
}

/** Undefined when it does not answer, or only with what was once. */
async function askHubServer(host: HostShell): Promise<HubStatus | undefined> {
  const { stdout } = await host.run(question);
  try {
    const status = JSON.parse(stdout) as HubStatus;
    return Array.isArray(status.services) && !status.stale ? status : undefined;
  } catch {
    return undefined;
  }
}

async function askDocker(host: HostShell): Promise<HubStatus | undefined> {
  const { code, stdout, stderr } = await host.run(plainQuestion);
  if (code !== 0) {
    process.stderr.write(stderr);
    return undefined;
  }
  const [time = "", release = "", volume = "", standing = "", ...containers] = stdout
    .trim()
    .split("\n");
  const [size = 0, used = 0] = volume.trim().split(/\s+/).map(Number);
  const report: HostReport = {
    time,
    release,
    containers: containers.map((line) => {
      const [service = "", image = "", state = "", health, startedAt = "", restarts] =
        line.split("\t");
      return {
        service,
        image,
        state,
        health: health || null,
        startedAt,
        restarts: Number(restarts),
        memory: { used: null, limit: null },
      };
    }),
    memory: null,
    load: null,
    disk: null,
    volume: { size, used },
    updates: null,
  };
  return hubStatusOf({
    // The host's clock, which need not be this machine's.
    now: Date.parse(time),
    report,
    releases: [],
    backup: backupReportOf(standing, Date.parse(time)),
    certificate: null,
    keeping: undefined,
  });
}

import { withHost } from "./host.ts";
import { defineVerb } from "./verb.ts";

export interface ServiceStatus {
  name: string;
  /** healthy, unhealthy, starting, or the container's state when it does not run. */
  health: string;
  since: string;
  /** Bytes of memory in use and allowed, as Docker prints them. */
  memory: string;
}

const question = [
  "set -eu",
  `docker ps -a --filter label=com.docker.compose.project=aihub --filter label=com.docker.compose.oneoff=False --format '{{.Label "com.docker.compose.service"}}\t{{.ID}}\t{{.State}}\t{{.Status}}'`,
  "echo ---",
  `docker stats --no-stream --format '{{.ID}}\t{{.MemUsage}}'`,
  "echo ---",
  "basename $(readlink -f /opt/aihub/current)",
  "df -h --output=size,used,pcent /data | tail -n 1",
].join("; ");

export const verb = defineVerb({
  name: "status",
  summary: "Shows whether each service is healthy; fails when one is not",
  options: { json: { type: "boolean", help: "print JSON and nothing else" } },
  async run(values) {
    return withHost(values, async (host) => {
      const { code, stdout, stderr } = await host.run(question);
      if (code !== 0) {
        process.stderr.write(stderr);
        return 1;
      }
      const [containers = "", stats = "", rest = ""] = stdout.split("---\n");
      const memory = new Map(rows(stats).map(([id = "", usage = ""]) => [id, usage]));
      const services: ServiceStatus[] = rows(containers)
        .map(([name = "", id = "", state = "", status = ""]) => ({
          name,
          health: /\((\w+)\)/.exec(status)?.[1] ?? state,
          since: status.replace(/ \(.*/, ""),
          memory: memory.get(id) ?? "",
        }))
        .sort((a, b) => a.name.localeCompare(b.name));
      const [release = "", volume = ""] = rest.trim().split("\n");
      const well = services.length > 0 && services.every((service) => service.health === "healthy");
      if (values.json) {
        process.stdout.write(`${JSON.stringify({ healthy: well, release, services }, null, 2)}\n`);
      } else {
        for (const service of services) {
          process.stdout.write(
            `${service.health === "healthy" ? "✔" : "✘"} ${service.name.padEnd(14)}${service.health.padEnd(11)}${service.since.padEnd(20)}${service.memory}\n`,
          );
        }
        const [size, used, share] = volume.trim().split(/\s+/);
        process.stdout.write(`release ${release}, volume ${used} of ${size} used (${share})\n`);
      }
      return well ? 0 : 1;
    });
  },
});

function rows(text: string): string[][] {
  return text
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("\t"));
}

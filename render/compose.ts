/** The compose file: the template's services, less the external ones, each with its limits and hardening. */
import { dump, load } from "js-yaml";
import type { Hub } from "../hub/hub.ts";
import { setupJob } from "../hub/services.ts";
import { fill } from "./template.ts";

interface ComposeService {
  depends_on?: Record<string, unknown>;
  healthcheck?: Record<string, unknown>;
  networks?: string[];
  [key: string]: unknown;
}

interface ComposeFile {
  services: Record<string, ComposeService>;
  networks: Record<string, unknown>;
}

/**
 * @param template text of `templates/compose.yaml`
 * @param values what its places hold, beside the hub's own
 */
export function renderCompose(hub: Hub, template: string, values: Record<string, string>): string {
  const compose = load(fill(template, values)) as ComposeFile;
  const wanted = new Map(hub.services.map((service) => [service.name, service]));
  for (const [name, service] of Object.entries(compose.services)) {
    if (name !== setupJob.name && !wanted.has(name)) {
      delete compose.services[name];
      continue;
    }
    for (const dependency of Object.keys(service.depends_on ?? {})) {
      if (!wanted.has(dependency)) delete service.depends_on?.[dependency];
    }
    if (service.depends_on && Object.keys(service.depends_on).length === 0)
      delete service.depends_on;

    const memory = wanted.get(name)?.memory ?? { limit: 256, reservation: 64 };
    Object.assign(service, {
      restart: name === setupJob.name ? "no" : "unless-stopped",
      init: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      mem_limit: `${memory.limit}m`,
      mem_reservation: `${memory.reservation}m`,
      // Swap serves the host's idle pages; a service beyond its limit ends instead of thrashing.
      memswap_limit: `${memory.limit}m`,
      pids_limit: 1024,
      logging: { driver: "local", options: { "max-size": "10m", "max-file": "3" } },
    });
    if (service.healthcheck) {
      service.healthcheck = {
        interval: "15s",
        timeout: "5s",
        retries: 4,
        start_period: "60s",
        start_interval: "1s",
        ...service.healthcheck,
      };
    }
  }
  return dump(compose, { lineWidth: 120, noRefs: true, sortKeys: false });
}

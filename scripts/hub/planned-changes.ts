/** What a run of the engine would do, and whether an act that is to change the host alone may do it. */
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { UserError } from "../../hub/user-error.ts";
import type { OpenStack } from "./stack.ts";
import { runOperation } from "./update.ts";

export interface PlannedChange {
  /** As the engine names it: create, update, replace, create-replacement, delete-replaced, delete. */
  op: string;
  /** Like digitalocean:index/droplet:Droplet. */
  type: string;
  urn: string;
}

export interface Plan {
  changes: PlannedChange[];
  /** For a person, one line per resource. */
  lines: string[];
}

export const DROPLET = "digitalocean:index/droplet:Droplet";

/** What holds or leads to the data: none of it may go while the host is changed. */
const kept: Readonly<Record<string, string>> = {
  "digitalocean:index/volume:Volume": "the data volume",
  "digitalocean:index/reservedIp:ReservedIp": "the address",
  "digitalocean:index/spacesBucket:SpacesBucket": "the bucket of the recovery points",
  "digitalocean:index/spacesKey:SpacesKey": "a key of the bucket",
  "random:index/randomPassword:RandomPassword": "a password",
  "digitalocean:index/dnsRecord:DnsRecord": "the DNS record",
};

const losing = new Set([
  "delete",
  "replace",
  "create-replacement",
  "delete-replaced",
  "discard",
  "discard-replaced",
]);

export async function planOf(
  open: OpenStack,
  /** By other settings than the stack's own. */
  given: { refresh: boolean; configFile: string },
): Promise<Plan> {
  const changes: PlannedChange[] = [];
  const lines = await runOperation(open, (options) =>
    open.stack.preview({
      ...options,
      ...given,
      onEvent: (event: EngineEvent) => {
        options.onEvent(event);
        const step = event.resourcePreEvent?.metadata;
        if (step && step.op !== "same" && step.op !== "read") {
          changes.push({ op: step.op, type: step.type, urn: step.urn });
        }
      },
    }),
  );
  return { changes, lines: lines.planned };
}

/** @throws UserError when the plan deletes or replaces what must stay */
export function requireKept(changes: readonly PlannedChange[]): void {
  const lost = changes.filter(({ op, type }) => losing.has(op) && type in kept);
  if (lost.length === 0) return;
  const names = [
    ...new Set(lost.map(({ op, type, urn }) => `${kept[type]} (${op} ${urn.split("::").at(-1)})`)),
  ];
  throw new UserError(
    `This would not change the host alone, but also take away ${names.join(", ")}; nothing was done.\n` +
      "  fix: npm run hub -- preview shows it; take back the settings that ask for it (region, project, domain), or do that by itself",
  );
}

/** What the plan does to the droplet. */
export function dropletChange(
  changes: readonly PlannedChange[],
): "replaced" | "changed" | "created" | "none" {
  const ops = changes.filter(({ type }) => type === DROPLET).map(({ op }) => op);
  if (ops.some((op) => op.includes("replace"))) return "replaced";
  if (ops.includes("create")) return "created";
  return ops.includes("update") ? "changed" : "none";
}

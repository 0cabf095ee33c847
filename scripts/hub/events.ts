/** Turns the engine's events into lines for a person: what is being done, for how long, what went wrong. */
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";

export interface Changes {
  create: number;
  update: number;
  replace: number;
  delete: number;
  same: number;
}

const doing: Record<string, string> = {
  create: "creating",
  update: "changing",
  delete: "deleting",
  replace: "replacing",
  "create-replacement": "creating anew",
  "delete-replaced": "deleting the old",
};

export class EventLines {
  readonly changes: Changes = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
  readonly errors: string[] = [];
  /** What a preview would do, one line per resource. */
  readonly planned: string[] = [];
  #started = new Map<string, number>();
  #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  readonly on = (event: EngineEvent): void => {
    const before = event.resourcePreEvent?.metadata;
    if (before) {
      const what = doing[before.op];
      if (what && !/^(aihub|pulumi):/.test(before.type)) {
        this.#started.set(before.urn + before.op, Date.now());
        this.planned.push(`${what} ${label(before.urn)}`);
        if (!event.resourcePreEvent?.planning) this.#write(`  ▸ ${what} ${label(before.urn)}`);
      }
    }
    const after = event.resOutputsEvent?.metadata ?? event.resOpFailedEvent?.metadata;
    if (after && doing[after.op]) {
      const since = this.#started.get(after.urn + after.op);
      if (since !== undefined && !event.resOutputsEvent?.planning) {
        const seconds = ((Date.now() - since) / 1000).toFixed(1);
        this.#write(`  ${event.resOpFailedEvent ? "✘" : "✔"} ${label(after.urn)} (${seconds} s)`);
        this.#started.delete(after.urn + after.op);
      }
    }
    const diagnostic = event.diagnosticEvent;
    if (diagnostic?.severity === "error") {
      const message = plain(diagnostic.message);
      if (message && !this.errors.includes(message)) {
        this.errors.push(diagnostic.urn ? `${label(diagnostic.urn)}: ${message}` : message);
      }
    } else if (diagnostic?.severity === "warning") {
      const message = plain(diagnostic.message);
      if (message) this.#write(`  ! ${message.split("\n")[0]}`);
    }
    const summary = event.summaryEvent?.resourceChanges;
    if (summary) {
      for (const key of Object.keys(this.changes) as (keyof Changes)[]) {
        this.changes[key] = summary[key] ?? 0;
      }
    }
  };

  get changed(): number {
    const { create, update, replace, delete: removed } = this.changes;
    return create + update + replace + removed;
  }
}

/** The engine's own colour marks are for its own terminal output. */
function plain(text: string): string {
  return text.replaceAll(/<\{%[^%]*%\}>/g, "").trim();
}

/** "host (droplet)" for urn:…::digitalocean:index/droplet:Droplet::host. */
function label(urn: string): string {
  const [, , types = "", name = ""] = urn.split("::");
  const type = types.split("$").at(-1)?.split(":").at(-1) ?? "";
  return type === "Stack" ? "the program" : `${name} (${type})`;
}

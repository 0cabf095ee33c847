/** Measures from outside for how long the hub does not answer: what a person and a program would see. */
import { setTimeout as sleep } from "node:timers/promises";
import { askHub, type HubRequest } from "./hub-https.ts";

export interface Sample {
  /** Milliseconds since 1970 at which it was asked. */
  at: number;
  ok: boolean;
}

export interface Gap {
  /** Seconds from the last good answer before to the first good one after the longest outage; 0: there was none. See gapOf. */
  longest: number;
  /** Of all outages together. */
  total: number;
  outages: number;
}

interface Probe extends HubRequest {
  name: string;
  path: string;
}

/** The chat's page, and the MCP server by a token: strangers who ask this often are slowed down. */
function probesOf(mcpToken: string): Probe[] {
  return [
    { name: "login page", path: "/", within: PATIENCE_MS },
    {
      ...{ name: "/mcp", path: "/mcp", method: "POST", within: PATIENCE_MS },
      headers: {
        Authorization: `Bearer ${mcpToken}`,
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
    },
  ];
}

const EVERY_MS = 250;
const PATIENCE_MS = 2_000;

/**
 * Outages are counted from the last good answer to the next good one, so never too short. A host that is dead already gives
 * none before: then from when it was first asked.
 */
export function gapOf(samples: readonly Sample[]): Gap {
  const outages: number[] = [];
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last) return { longest: 0, total: 0, outages: 0 };
  let good = first.at;
  let down = false;
  for (const { at, ok } of samples) {
    if (ok) {
      if (down) outages.push((at - good) / 1000);
      good = at;
      down = false;
    } else down = true;
  }
  if (down) outages.push((last.at - good) / 1000);
  return {
    longest: Math.max(0, ...outages),
    total: outages.reduce((sum, each) => sum + each, 0),
    outages: outages.length,
  };
}

export class GapWatch {
  readonly #samples = new Map<string, Sample[]>();
  readonly #loops: Promise<void>[];
  #stopped = false;

  constructor(address: string, hostName: string, mcpToken: string) {
    this.#loops = probesOf(mcpToken).map(async (probe) => {
      const samples: Sample[] = [];
      this.#samples.set(probe.name, samples);
      while (!this.#stopped) {
        const at = Date.now();
        const { path, ...asking } = probe;
        // Certificates are for the gates to judge.
        const ok = await askHub({ address, hostName, ca: "any" }, path, asking).then(
          ({ status }) => status === 200,
          () => false,
        );
        samples.push({ at, ok });
        await sleep(Math.max(0, EVERY_MS - (Date.now() - at)));
      }
    });
  }

  /** @returns by probe */
  async stop(): Promise<Record<string, Gap>> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    return Object.fromEntries([...this.#samples].map(([name, samples]) => [name, gapOf(samples)]));
  }
}

export function gapText(gaps: Record<string, Gap>): string[] {
  return Object.entries(gaps).map(
    ([name, { longest, total, outages }]) =>
      `${name} did not answer for ${longest.toFixed(1)} s${outages > 1 ? ` (${outages} times, ${total.toFixed(1)} s together)` : ""}`,
  );
}

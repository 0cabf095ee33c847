/** The MCP servers that are measured beside each other. */
import type { Figure, Work } from "./measure.ts";
import type { Subject } from "./subjects.ts";
import type { Line } from "./wire.ts";

export const OURS = "ours (HTTP, token)";
export const OFFICIAL = "official (stdio)";
export const GATEWAY = "supergateway (HTTP)";

export interface Servers {
  ours: Subject;
  official: Subject;
  gateway: Subject;
}

/** Workers of a server, one on each of so many connections. */
export async function workers(
  subject: Subject,
  calls: number,
  act: (line: Line, turn: number, worker: number) => Promise<unknown>,
): Promise<Work[]> {
  const lines = await subject.lines(calls);
  return lines.map((line, worker) => (turn) => act(line, turn, worker));
}

/** Of our calls a second to another contender's. */
export function over(figures: readonly Figure[], name: string): number {
  const [ours, other] = [OURS, name].map((one) => figures.find((figure) => figure.name === one));
  return (ours as Figure).ratio / (other as Figure).ratio;
}

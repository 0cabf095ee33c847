/** One fault from start to end: writers begin, it strikes, the hub gets good again, what was written is looked for. */
import { setTimeout as sleep } from "node:timers/promises";
import { chatLane } from "./chat-writers.ts";
import type { Fault, Struck } from "./fault.ts";
import { look, topLevel } from "./found.ts";
import { judge } from "./judge.ts";
import { startWriting } from "./lane.ts";
import { fileLane, logLane, prepareProject } from "./mcp-writers.ts";
import { type Row, rowOf } from "./row.ts";
import { allHealthy, healthOf, type Stage } from "./stage.ts";

/** Milliseconds that a hub may take until it is good again. */
const GOOD_WITHIN = 300_000;

export async function runFault(stage: Stage, fault: Fault, secret: string): Promise<Row> {
  const run = Date.now().toString(36);
  const place = { to: stage.to, secret, project: `faults-${run}` };
  await fault.prepare?.(stage);
  try {
    await prepareProject(place);
    const before = await topLevel(stage);
    const writing = startWriting(
      [
        ...[fileLane(place), logLane(place)],
        ...[chatLane(stage.to, stage.session), chatLane(stage.to, stage.session)],
      ],
      run,
    );
    let struck: Struck;
    let seconds: number | null = null;
    try {
      if (!(await writing.acknowledged(0, 3, 60_000))) {
        throw new Error(
          `Before ${fault.name}, the hub does not take writes: ${writing.attempts.at(-1)?.words}`,
        );
      }
      struck = await fault.strike(stage);
      const goodAt = await untilGood(stage, struck.over, (since, forMs) =>
        writing.acknowledged(since, 1, forMs),
      );
      seconds = goodAt === undefined ? null : (goodAt - struck.over) / 1000;
      await writing.acknowledged(Date.now(), 2, 30_000);
    } finally {
      await writing.stop();
    }
    const { attempts } = writing;
    const more = [...(fault.wants?.(attempts) ?? []), ...(await unhealthy(stage))];
    const verdict = judge(attempts, await look(stage, { project: place.project, run, before }));
    await stage.onDroplet(`rm -rf /data/workspace/${place.project}`);
    return rowOf(fault, { verdict, struck, seconds, more });
  } finally {
    await fault.tidy?.(stage);
  }
}

/** @returns when it was good: every service healthy, each writer acknowledged since; undefined: not within the patience */
async function untilGood(
  stage: Stage,
  over: number,
  acknowledged: (since: number, forMs: number) => Promise<boolean>,
): Promise<number | undefined> {
  const left = () => over + GOOD_WITHIN - Date.now();
  while (left() > 0) {
    if (allHealthy(await healthOf(stage)) && (await acknowledged(over, 2_000))) return Date.now();
    await sleep(500);
  }
  return undefined;
}

/** The hub's own word for it, which is a quarter of a minute old at most. */
async function unhealthy(stage: Stage): Promise<string[]> {
  let said = "";
  for (let tries = 0; tries < 10; tries += 1) {
    const { stdout, stderr } = await stage.hub("status", "--json");
    try {
      const status = JSON.parse(stdout) as {
        healthy: boolean;
        services: { name: string; health: string }[];
      };
      if (status.healthy) return [];
      said = status.services
        .filter(({ health }) => health !== "healthy")
        .map(({ name, health }) => `${name} is ${health}`)
        .join(", ");
    } catch {
      said = stderr.trim().slice(-200);
    }
    await sleep(3_000);
  }
  return [`hub status is not healthy: ${said}`];
}

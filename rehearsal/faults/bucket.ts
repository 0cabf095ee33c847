/** The bucket of the recovery points is away or slow while one is taken. Nobody else takes points meanwhile. */
import type { Fault, Struck } from "./fault.ts";
import type { Stage } from "./stage.ts";
import { type ProxyBetween, putBetween } from "./toxiproxy.ts";
import { isClear, plain } from "./words.ts";

const TIMERS = "aihub-point.timer aihub-nightly.timer";

/** Between the host and its bucket, for as long as `work` takes. */
async function withProxy(
  stage: Stage,
  work: (proxy: ProxyBetween) => Promise<void>,
): Promise<void> {
  const secrets = await stage.onDroplet(
    "cat $(sed -n 's/^SECRETS_RECOVERY=//p' /opt/aihub/secrets/applied.env)/recovery.json",
  );
  const { location } = (JSON.parse(secrets) as { repository: { location: string } }).repository;
  const { hostname, port } = new URL(location.replace(/^s3:/, ""));
  const proxy = await putBetween(stage, { upstream: { address: hostname, port: Number(port) } });
  try {
    await work(proxy);
  } finally {
    await proxy.remove();
  }
}

/** Also what runs already: a timer that was stopped for long starts its work as soon as it goes on. */
const pause = async (stage: Stage) =>
  void (await stage.onDroplet(
    `systemctl stop ${TIMERS} ${TIMERS.replaceAll(".timer", ".service")}`,
  ));
const goOn = async (stage: Stage) => void (await stage.onDroplet(`systemctl start ${TIMERS}`));

async function takePoint(stage: Stage): Promise<{ good: boolean; said: string }> {
  const { code, said } = await stage.tryOnDroplet("aihub-recovery point");
  return { good: code === 0, said: said.trim() };
}

const lastWords = (said: string) =>
  plain(/✘ [^\n]*\n(?!.*✘)|[^\n]*$/s.exec(said)?.[0] ?? said, 200);

/** What the status says about points; undefined: nothing. */
async function alarmOf(stage: Stage): Promise<string | undefined> {
  const { stdout } = await stage.hub("status", "--json");
  const { alarms } = JSON.parse(stdout) as { alarms: { kind: string; text: string }[] };
  return alarms.find(({ kind }) => kind === "point")?.text;
}

export const bucketAway: Fault = {
  name: "bucket-away",
  what: "Bucket refuses connections while a recovery point is taken",
  prepare: pause,
  async strike(stage) {
    const struck: Required<Struck> = { over: 0, problems: [], notes: [] };
    await withProxy(stage, async (proxy) => {
      await proxy.away();
      const failed = await takePoint(stage);
      if (failed.good) struck.problems.push("a point was taken without a bucket");
      const words = lastWords(failed.said);
      if (!isClear(words)) struck.problems.push(`the point's error is not clear: ${words}`);
      struck.notes.push(`the point failed: "${words}"`);
      const alarm = await alarmOf(stage);
      if (alarm === undefined) struck.problems.push("the status says nothing of the failed point");
    });
    struck.over = Date.now();
    const next = await takePoint(stage);
    if (!next.good) struck.problems.push(`the next point failed: ${lastWords(next.said)}`);
    const alarm = await alarmOf(stage);
    if (alarm !== undefined) struck.problems.push(`the status still says: ${alarm}`);
    return struck;
  },
  tidy: goOn,
};

export const bucketSlow: Fault = {
  name: "bucket-slow",
  what: "Bucket answers 1.5 s late while a recovery point is taken and proven",
  prepare: pause,
  async strike(stage) {
    const problems: string[] = [];
    await withProxy(stage, async (proxy) => {
      await proxy.slow(1_500);
      const taken = await takePoint(stage);
      if (!taken.good) problems.push(`the point failed: ${lastWords(taken.said)}`);
      const proof = await stage.tryOnDroplet("aihub-recovery prove");
      if (proof.code !== 0) problems.push(`the point is not good: ${lastWords(proof.said)}`);
    });
    return { over: Date.now(), problems, notes: ["the point was taken and is good"] };
  },
  tidy: goOn,
};

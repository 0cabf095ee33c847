/** The upgrade of the chat: the steps that its kind records, and the commands of apply.sh that carry it out. */
import { upgradeSteps } from "../../recovery/upgrade/operation.ts";
import { askJson, hubOk, hub as runHub } from "../scenarios/hub.ts";
import { newer, older, olderImage, upWithOlderChat } from "../scenarios/older-chat.ts";
import { applied } from "./rollout.ts";
import { sweepOnce } from "./row.ts";
import { applyOf, killAfter, type ScriptStep, tellSteps } from "./script-steps.ts";
import type { Sweep } from "./sweep.ts";
import { SweptHub } from "./swept-hub.ts";

/** Of the chat's data as the older version has them, to begin each row with. */
const BASE = "sweep_base";

export const sweepUpgrade: Sweep = async (_present, { wanted, report, note }) => {
  note(`a hub of its own with Open WebUI ${older}`);
  await hubOk(["destroy", "--purge", "--yes"]);
  await upWithOlderChat();
  const hub = await SweptHub.open();
  const from = await hub.release();
  await keepBase(hub);
  const to = await arriving(hub);
  note("one upgrade that is not killed tells the steps");
  const steps = upgradeCommands(await tellSteps(hub.console, to));
  const kills = [
    ...upgradeSteps.map((step) => ({
      words: `recorded: ${step}`,
      async kill() {
        const { code } = await hub.console.run(
          `AIHUB_CRASH_AFTER=${step} ${applyOf(to)} </dev/null`,
        );
        if (code === 0) throw new Error("it was not killed");
      },
    })),
    ...steps.map((step) => ({
      words: step.words,
      async kill() {
        await killAfter(hub.console, to, step);
      },
    })),
  ];
  for (const { words, kill } of kills) {
    if (!wanted(words)) continue;
    await bringBase(hub, from);
    await hub.quiet();
    await report(
      await sweepOnce(hub, {
        operation: "upgrade",
        step: words,
        kill,
        async nextRun() {
          await applied(hub, to);
          const { version } = await askJson<{ version: string }>(hub.to, "/api/version");
          if (version !== newer) throw new Error(`the chat is in version ${version}`);
          return `applied again: upgraded to ${newer}`;
        },
      }),
    );
  }
};

/** From the first command that an upgrade alone has to the last; what switches the services is the rollout's. */
function upgradeCommands(steps: ScriptStep[]): ScriptStep[] {
  const own = ({ line }: ScriptStep) => /\t(upgrade_chat|finish_upgrade)\t/.test(line);
  const mine = steps.slice(steps.findIndex(own), steps.findLastIndex(own) + 1);
  return mine.filter(({ line }) => line.startsWith("apply.sh\t"));
}

/** Brings the newer release to the host and no further: without its recovery program it refuses an upgrade. */
async function arriving(hub: SweptHub): Promise<string> {
  const program = "/usr/local/sbin/aihub-recovery";
  const before = await hub.release();
  await hubOk(["config", "rm", "images.openWebui"]);
  await hub.console.must(`chmod -x ${program}`);
  const run = await runHub(["up", "--yes"]);
  await hub.console.must(`chmod +x ${program}`);
  const digest = await hub.console.must("ls -t /opt/aihub/releases | head -n 1");
  if (run.exitCode === 0 || digest === before) {
    throw new Error(`the newer release did not arrive by itself: ${run.all.slice(-600)}`);
  }
  return digest;
}

const sql = (text: string) =>
  `docker exec aihub-postgres-1 psql -U hub -d postgres -q -v ON_ERROR_STOP=1 -c '${text}'`;
const keys = "setup chat-key server-key";

async function keepBase(hub: SweptHub): Promise<void> {
  await hub.console.must(
    [
      ...["set -e", "docker stop aihub-open-webui-1 >/dev/null", `mkdir -p /data/${BASE}`],
      `for each in ${keys}; do cp -a /data/hub/$each /data/${BASE}/; done`,
      sql(`CREATE DATABASE ${BASE} TEMPLATE hub`),
      "docker start aihub-open-webui-1 >/dev/null",
    ].join("\n"),
  );
}

/** The older version with its data. */
async function bringBase(hub: SweptHub, release: string): Promise<void> {
  await hub.console.must(
    [
      ...["set -e", "docker stop aihub-open-webui-1 >/dev/null"],
      sql("DROP DATABASE hub WITH (FORCE)"),
      sql(`CREATE DATABASE hub TEMPLATE ${BASE}`),
      `for each in ${keys}; do rm -rf /data/hub/$each; cp -a /data/${BASE}/$each /data/hub/; done`,
      `echo ${olderImage} >/data/hub/recovery/chat-image`,
      `ln -sfn /opt/aihub/releases/${release} /opt/aihub/current`,
      `${applyOf(release)} </dev/null`,
    ].join("\n"),
  );
}

/** Updates the services of a rehearsal, one after the other, while all doors are used, and counts what fails. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ask,
  changedCheckout,
  hubOk,
  type Outputs,
  onHost,
  outputs,
  signIn,
  startTimes,
} from "../../rehearsal/scenarios/hub.ts";
import { sideDoors, startLoad } from "../../rehearsal/scenarios/steady-load.ts";
import { GapWatch } from "../../scripts/hub/gap-watch.ts";
import type { Progress } from "../../scripts/progress.ts";
import type { ChatUpdate, Measured, ServiceUpdate } from "./rows.ts";

const beside = ["nginx", "mcp-server", "files", "code-server", "hub-server"];
/** The load's name of a door whose service is named otherwise. */
const doors: Record<string, string> = { "hub-server": "home" };
const folder = "bench-updates";

export async function measureUpdates(rounds: number, progress: Progress): Promise<Measured> {
  await progress.step("Bringing up the hub", () => hubOk(["up", "--yes"]));
  const to = await outputs();
  const { hostname } = new URL(to.url);
  const services: ServiceUpdate[] = [];
  const chat: ChatUpdate[] = [];
  try {
    const session = await signIn(to);
    for (const service of beside) {
      await progress.step(`Updating ${service}`, async (log) => {
        const load = startLoad(to, sideDoors(to, session, folder));
        try {
          await sleep(3_000);
          await update(service, "1");
          await sleep(3_000);
        } finally {
          const counts = await load.stop();
          const sum = (of: (count: (typeof counts)[string]) => number) =>
            Object.values(counts).reduce((total, count) => total + of(count), 0);
          const failures = Object.values(counts).flatMap(({ failed }) => failed);
          for (const failure of failures.slice(0, 5)) log(failure);
          services.push({
            service,
            answered: sum(({ answered }) => answered),
            failed: failures.length,
            slowest: counts[doors[service] ?? service]?.slowest ?? 0,
          });
        }
      });
    }
    for (let round = 0; round < rounds; round++) {
      await progress.step(`Updating open-webui, round ${round + 1}`, async (log) => {
        const watch = new GapWatch(to.ipAddress, hostname, to.mcpToken);
        await sleep(2_000);
        await update("open-webui", String(round));
        const { "login page": gap } = await watch.stop();
        chat.push({ gap: gap?.longest ?? 0, boot: await bootOfChat(to) });
        log(JSON.stringify(chat.at(-1)));
      });
    }
  } finally {
    await progress.step("Bringing it back", async () => {
      await hubOk(["up", "--yes"]);
      await onHost(`rm -rf /data/workspace/${folder}`);
    });
  }
  return { beside: services, chat };
}

/** As a deploy that changes one service does it: the rest of the checkout is the same. */
async function update(service: string, mark: string): Promise<void> {
  const before = await startTimes();
  const changed = await changedCheckout(async (root) => {
    const path = join(root, "templates/compose.yaml");
    const text = await readFile(path, "utf8");
    const head = `\n  ${service}:\n`;
    if (!text.includes(head)) throw new Error(`${path} has no service ${service}`);
    await writeFile(path, text.replace(head, `${head}    labels: { bench: "${mark}" }\n`));
  });
  try {
    await hubOk(["up", "--yes"], { from: changed.root });
  } finally {
    await changed.dispose();
  }
  if ((await startTimes())[service] === before[service]) throw new Error(`${service} is unchanged`);
}

async function bootOfChat(to: Outputs): Promise<number> {
  await onHost("docker stop aihub-open-webui-1");
  const began = Date.now();
  await onHost("docker start aihub-open-webui-1");
  while (
    (await ask(to, "/").then(
      ({ status }) => status,
      () => 0,
    )) !== 200
  ) {
    if (Date.now() - began > 300_000) throw new Error("the chat does not boot");
    await sleep(100);
  }
  return (Date.now() - began) / 1000;
}

/**
 * The clock of the services that take the writes jumps ahead by three days, back to an hour ago, and to the right time. The droplet
 * shares the machine's clock, which is nobody's to change: libfaketime tells these programs another time, while they run. Postgres,
 * Valkey, nginx and the host itself keep the right one, so that services disagree about the time, too.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { dump } from "js-yaml";
import type { Fault, Struck } from "./fault.ts";
import { allHealthy, healthOf, type Stage } from "./stage.ts";

const SERVICES = ["mcp-server", "open-webui", "hub-server"];
const FOLDER = "/run/aihub-rehearsal-clock";
const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const JUMPS = ["+3d", "-1h", "+0"];
const EACH_SECONDS = 12;

const override = dump({
  services: Object.fromEntries(
    SERVICES.map((service) => [
      service,
      {
        volumes: [`${FOLDER}:/clock:ro`],
        environment: {
          LD_PRELOAD: "/clock/libfaketime.so.1",
          FAKETIME_TIMESTAMP_FILE: "/clock/offset",
          FAKETIME_NO_CACHE: "1",
          // What waits goes by the monotonic clock, which does not jump on a real host either.
          FAKETIME_DONT_FAKE_MONOTONIC: "1",
        },
      },
    ]),
  ),
});

const setClock = (stage: Stage, offset: string) =>
  stage.onDroplet(`echo '${offset}' >${FOLDER}/next && mv ${FOLDER}/next ${FOLDER}/offset`);

/** Makes the services' containers anew, with the other clock or without. */
async function recreate(stage: Stage, file: string): Promise<void> {
  await stage.onDroplet(
    `current=$(readlink -f /opt/aihub/current); docker compose --progress quiet --project-name aihub --file $current/compose.yaml ${file} ` +
      `--env-file /opt/aihub/secrets/applied.env up --detach --no-deps --wait --wait-timeout 300 --pull never ${SERVICES.join(" ")} nginx 2>&1`,
  );
  for (let tries = 0; !allHealthy(await healthOf(stage)); tries += 1) {
    if (tries > 120) throw new Error("the hub did not get healthy with another clock");
    await sleep(1000);
  }
}

export const clockJumps: Fault = {
  name: "clock-jumps",
  what: "Clock of MCP server, chat and hub-server jumps: 3 days ahead, an hour back, right again",
  async prepare(stage) {
    await stage.onDroplet(
      `[ -f ${LIBRARY} ] || { apt-get -qq update && apt-get -qq install --yes --no-install-recommends libfaketime; } >/dev/null 2>&1; mkdir -p ${FOLDER} && cp ${LIBRARY} ${FOLDER}/`,
    );
    await setClock(stage, "+0");
    await stage.onDroplet(`cat >${FOLDER}/compose.yaml <<'YAML'\n${override}YAML`);
    await recreate(stage, `--file ${FOLDER}/compose.yaml`);
  },
  async strike(stage) {
    const struck: Required<Struck> = { over: 0, problems: [], notes: [] };
    for (const jump of JUMPS) {
      await setClock(stage, jump);
      if (jump === "+3d") {
        const point = await stage.tryOnDroplet(
          `LD_PRELOAD=${FOLDER}/libfaketime.so.1 FAKETIME='+3d' FAKETIME_DONT_FAKE_MONOTONIC=1 aihub-recovery point`,
        );
        struck.notes.push(
          point.code === 0 ? "a point was taken 3 days ahead" : "the point 3 days ahead failed",
        );
        if (point.code !== 0) struck.problems.push(`the point 3 days ahead: ${point.said}`);
      }
      await sleep(EACH_SECONDS * 1000);
    }
    struck.over = Date.now();
    const point = await stage.tryOnDroplet("aihub-recovery point && aihub-recovery prove");
    if (point.code !== 0) struck.problems.push(`the point after it: ${point.said}`);
    return struck;
  },
  async tidy(stage) {
    await recreate(stage, "");
    await stage.onDroplet(`rm -rf ${FOLDER}`);
  },
};

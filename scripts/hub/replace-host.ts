import { escrowOutputSchema } from "../../escrow/contents.ts";
import { openRepository } from "../../escrow/open-repository.ts";
import { describeHub } from "../../hub/hub.ts";
import { UserError } from "../../hub/user-error.ts";
import { lineProgress, silent } from "../progress.ts";
import { requireVolume } from "./data-volume.ts";
import { deployedHost, isGone, nextGeneration } from "./deployed-host.ts";
import { lastGoodDrill } from "./drill-log.ts";
import { heal } from "./heal.ts";
import { type HostShell, openHost } from "./host.ts";
import { actOptions, carryOut, consent, planWith, tellToCommit } from "./host-act.ts";
import { backupFacts, hostRecovery } from "./host-recovery.ts";
import { dropletChange } from "./planned-changes.ts";
import { type Evidence, hindrances } from "./readiness.ts";
import { goesOnUnasked, IntentFile } from "./replacement-intent.ts";
import { resticFor } from "./restic-here.ts";
import { type OpenStack, openStack } from "./stack.ts";
import { defineVerb } from "./verb.ts";

const stays =
  "stays  the data volume with chats and files, the address, the certificates, who is signed in, tokens and passwords";
const goes =
  "goes   the droplet with its own disk, what the containers said so far (their logs), images that are fetched again";

export const verb = defineVerb({
  name: "replace-host",
  summary: "Replaces the droplet; everything worth keeping stays",
  options: {
    ...actOptions,
    force: {
      type: "boolean",
      help: "also when backups are old or no good drill was seen, or no point of the present can be taken",
    },
  },
  async run(values) {
    const open = await openStack(values, values.json === true ? silent : lineProgress());
    try {
      const { settings } = describeHub(await open.config());
      const dryRun = values["dry-run"] === true;
      await requireVolume(open);
      const refresh = dryRun ? false : await heal(open);
      const deployed = await deployedHost(open);
      if (!deployed && !(await open.stack.outputs()).ipAddress) {
        throw new UserError(
          `Stack ${open.stack.name} has no hub yet; npm start makes one, and nothing has to be replaced`,
        );
      }
      const intent = await IntentFile.of(open);
      // What was agreed to, and made safe, just before a run was killed is not looked at again.
      const intended = goesOnUnasked(await intent.read(), {
        hostGone: await isGone(deployed),
        now: Date.now(),
      });
      const { generation, begun } = nextGeneration(
        settings.hostGeneration,
        deployed?.generation,
        intended,
      );
      const goesOn = begun && intended === generation;
      const host = goesOn ? undefined : await openHost(open).catch(() => undefined);
      let point: string | undefined;
      try {
        const against = goesOn ? [] : hindrances(await evidence(open, host));
        const setting = { key: "hostGeneration", value: String(generation) };
        const plan = await open.progress.step("Previewing", () => planWith(open, setting, refresh));
        const said = [
          goesOn
            ? `The replacement of the host that was begun goes on (generation ${generation}):`
            : `The host of ${open.stack.name} is replaced (generation ${generation}${host ? "" : "; it does not answer"}):`,
          `  ${stays}`,
          `  ${goes}`,
          ...plan.lines.map((line) => `    ${line}`),
          "",
        ];
        process.stderr.write(`${said.join("\n")}\n`);
        if (!begun && dropletChange(plan.changes) !== "replaced") {
          throw new UserError(
            "The plan does not replace the droplet; nothing was done.\n  fix: npm run hub -- preview shows what it does",
          );
        }
        if (against.length > 0) {
          if (values.force !== true) {
            throw new UserError(
              `The host is not replaced, for if that went wrong:\n  ${against.join("\n  ")}\n  --force replaces it all the same`,
            );
          }
          for (const each of against) open.progress.note(`in spite of: ${each.split("\n")[0]}`);
        }
        if (dryRun) {
          process.stdout.write(
            values.json
              ? `${JSON.stringify({ generation, plan: plan.changes })}\n`
              : "Nothing was done.\n",
          );
          return 0;
        }
        await consent("replace-host", values);
        if (host) point = await pointOfThePresent(open, host, values.force === true);
        // One that goes on keeps its time: the point is no younger for it.
        if (!goesOn) await intent.write(generation);
        const done = await carryOut(open, setting, {
          refresh,
          title: "Replacing the host",
        });
        await intent.remove();
        const after = await deployedHost(open);
        process.stdout.write(
          values.json
            ? `${JSON.stringify({ generation, from: deployed?.id ?? null, to: after?.id ?? null, point: point ?? null, ...done })}\n`
            : `The host is replaced: droplet ${deployed?.id ?? "(gone)"} by ${after?.id}, ${done.seconds} s in all.\n`,
        );
        tellToCommit(open);
        return 0;
      } finally {
        host?.close();
      }
    } finally {
      await open.close();
    }
  },
});

/** By the host itself; one that is dead cannot be asked, so then what lies in the repository counts. */
async function evidence(open: OpenStack, host: HostShell | undefined): Promise<Evidence> {
  const now = Date.now();
  const seenHere = await lastGoodDrill(open);
  if (host) {
    const facts = await backupFacts(host);
    return {
      now,
      enabled: facts?.enabled !== false,
      lastPoint: facts?.lastPoint?.time,
      lastGoodDrill: [facts?.lastGoodDrill, seenHere].filter(Boolean).sort().at(-1),
      since: facts?.since,
    };
  }
  const output = (await open.stack.outputs()).escrow?.value;
  const { repository } = escrowOutputSchema.safeParse(output).data ?? {};
  const here = repository && (await resticFor(repository));
  const found =
    repository && here
      ? await openRepository(repository, "restic", here).catch(() => undefined)
      : undefined;
  return {
    now,
    enabled: output === undefined || repository !== undefined,
    lastPoint: found?.newest,
    lastGoodDrill: seenHere,
  };
}

async function pointOfThePresent(
  open: OpenStack,
  host: HostShell,
  force: boolean,
): Promise<string | undefined> {
  try {
    return await open.progress.step("Taking a recovery point of the present", async (log) => {
      const { snapshot } = await hostRecovery<{ snapshot: string }>(
        host,
        ["point", "--reason", "before-replacement"],
        { note: log },
      );
      return snapshot;
    });
  } catch (error) {
    if (!force || !(error instanceof UserError)) {
      throw new UserError(
        `No recovery point of the present can be taken, so the host is not replaced:\n  ${(error as Error).message}\n  --force replaces it all the same`,
      );
    }
    open.progress.note(`in spite of: no point of the present (${error.message.split("\n")[0]})`);
    return undefined;
  }
}

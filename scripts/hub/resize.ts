import { describeHub } from "../../hub/hub.ts";
import { sizes } from "../../hub/sizes.ts";
import { UserError } from "../../hub/user-error.ts";
import { lineProgress, silent } from "../progress.ts";
import { requireVolume } from "./data-volume.ts";
import { deployedHost } from "./deployed-host.ts";
import { digitalOcean } from "./digitalocean.ts";
import { heal } from "./heal.ts";
import { actOptions, carryOut, consent, planWith, tellToCommit } from "./host-act.ts";
import { dropletChange } from "./planned-changes.ts";
import { openStack } from "./stack.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "resize",
  summary:
    "Gives the host another size, up or down; the power is cut only after everything was stopped",
  options: { ...actOptions, size: { type: "string", help: "SLUG  like s-4vcpu-8gb" } },
  async run(values) {
    const size = values.size;
    if (typeof size !== "string" || !(size in sizes)) {
      throw new UserError(
        `${size === undefined ? "Which size?" : `There is no size "${size}" that the hub knows.`}\n  fix: npm run hub -- resize --size one of ${Object.keys(sizes).join(", ")}`,
      );
    }
    const open = await openStack(values, values.json === true ? silent : lineProgress());
    try {
      const config = await open.config();
      // What does not fit is refused before anything is stopped.
      const hub = describeHub({ ...config, settings: { ...config.settings, size } });
      const dryRun = values["dry-run"] === true;
      await requireVolume(open);
      const refresh = dryRun ? false : await heal(open);
      const deployed = await deployedHost(open);
      if (!deployed) {
        throw new UserError(
          `Stack ${open.stack.name} has no host yet; npm run hub -- config set size ${size}, then npm start makes it so`,
        );
      }
      await requireDisk(size, deployed.disk);
      const setting = { key: "size", value: size };
      const plan = await open.progress.step("Previewing", () => planWith(open, setting, refresh));
      const change = dropletChange(plan.changes);
      if (change === "replaced" || change === "created") {
        throw new UserError(
          "The plan does not resize the droplet but replaces it; nothing was done.\n  fix: npm run hub -- preview shows why; npm run hub -- replace-host replaces it",
        );
      }
      const [from, to] = [sizes[deployed.size]?.monthly, sizes[size]?.monthly];
      process.stderr.write(
        [
          `The host of ${open.stack.name} gets the size ${size} (now ${deployed.size}${from === undefined ? "" : `; ${from} to ${to} USD a month`}).`,
          "  It is switched off for that, for a minute or so, after all services were stopped in order. Nothing is lost.",
          `  Memory: ${hub.services.map((service) => `${service.name} ${service.memory.limit}`).join(", ")} MiB`,
          ...plan.lines.map((line) => `    ${line}`),
          "",
        ].join("\n"),
      );
      if (dryRun) {
        process.stdout.write(
          values.json ? `${JSON.stringify({ size, plan: plan.changes })}\n` : "Nothing was done.\n",
        );
        return 0;
      }
      await consent("resize", values);
      const done = await carryOut(open, setting, { refresh, title: `Resizing to ${size}` });
      process.stdout.write(
        values.json
          ? `${JSON.stringify({ size, from: deployed.size, ...done })}\n`
          : `The host has the size ${size}, ${done.seconds} s in all.\n`,
      );
      tellToCommit(open);
      return 0;
    } finally {
      await open.close();
    }
  },
});

/** A disk never shrinks: refused here, before the droplet is switched off for nothing. */
async function requireDisk(size: string, disk: number): Promise<void> {
  const all = await digitalOcean().list<{ slug: string; disk: number }>("/v2/sizes", "sizes");
  const wanted = all.find(({ slug }) => slug === size);
  if (!wanted) throw new UserError(`DigitalOcean does not offer the size ${size} at present`);
  if (wanted.disk < disk) {
    throw new UserError(
      `${size} has a disk of ${wanted.disk} GB, and the droplet's has ${disk} GB, which cannot shrink.\n` +
        `  fix: npm run hub -- config set size ${size}, then npm run hub -- replace-host gives it a new one; the data is on the volume`,
    );
  }
}

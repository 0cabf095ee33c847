import { describeHub } from "../../hub/hub.ts";
import { UserError } from "../../hub/user-error.ts";
import { ask } from "./ask.ts";
import { newVolumeText, requireVolume, volumeId } from "./data-volume.ts";
import { deployedHost, requireNotBehind } from "./deployed-host.ts";
import { heal } from "./heal.ts";
import { IntentFile } from "./replacement-intent.ts";
import { rolloutNote } from "./rollout-note.ts";
import { openStack } from "./stack.ts";
import { runOperation } from "./update.ts";
import { defineVerb } from "./verb.ts";

export const verb = defineVerb({
  name: "up",
  summary:
    "Creates the hub, or changes it to match its settings and this checkout; npm start is this",
  options: {
    yes: { type: "boolean", help: "do not ask before changing a stack in the cloud" },
    json: { type: "boolean", help: "print the result as JSON on standard output" },
    refresh: { type: "boolean", help: "look at what is really there before comparing" },
    "real-providers": {
      type: "boolean",
      help: "rehearse with Pulumi's own plugins; needs their download",
    },
  },
  async run(values) {
    const started = Date.now();
    const open = await openStack(values);
    try {
      const { settings } = describeHub(await open.config());
      if (!open.instance && !values.yes && !process.stdin.isTTY) {
        throw new UserError(
          `up asks before it changes stack ${open.stack.name}, and nobody can answer here; add --yes, or see what it would do: npm run hub -- preview --stack ${open.stack.name}`,
        );
      }
      await requireNotBehind(open, settings.hostGeneration);
      // Who asks for a look at what is there takes what is missing as it is.
      const volume = await (values.refresh === true ? volumeId(open) : requireVolume(open));
      const host = (await deployedHost(open))?.id;
      const stale = await heal(open);
      if (!open.instance && !values.yes) {
        const preview = await runOperation(open, (options) => open.stack.preview(options));
        for (const line of preview.planned) process.stderr.write(`  ${line}\n`);
        if (preview.changed === 0) process.stderr.write("  nothing would change\n");
        if ((await ask(`Change stack ${open.stack.name} so? Type yes: `)) !== "yes") return 1;
      }
      const refresh = values.refresh === true || stale;
      const lines = await open.progress.step("Running the program", () =>
        runOperation(open, (options) => open.stack.up({ ...options, refresh, parallel: 8 })),
      );
      // A replacement that was begun has its end by this.
      await (await IntentFile.of(open)).remove();
      if (volume !== undefined && lines.changed > 0 && (await volumeId(open)) !== volume) {
        if ((await deployedHost(open))?.id === host) throw new UserError(newVolumeText(open));
      }
      const outputs = await open.stack.outputs();
      const value = (name: string) => String(outputs[name]?.value ?? "");
      const note = lines.changed > 0 ? await rolloutNote(open, value("release")) : undefined;
      const seconds = Math.round((Date.now() - started) / 1000);
      if (values.json) {
        const result = {
          changes: lines.changes,
          url: value("url"),
          release: value("release"),
          note,
        };
        process.stdout.write(`${JSON.stringify({ ...result, seconds })}\n`);
        return 0;
      }
      const { create, update, replace, delete: removed, same } = lines.changes;
      process.stdout.write(
        [
          "",
          `${lines.changed} changed (${create} created, ${update} updated, ${replace} replaced, ${removed} deleted), ${same} unchanged, ${seconds} s`,
          ...(note ? [note] : []),
          "",
          `  Chat      ${value("url")}`,
          `  Files     ${value("filesUrl")}`,
          `  Code      ${value("codeUrl")}`,
          `  Home      ${value("homeUrl")}`,
          `  MCP       ${value("mcpUrl")}`,
          `  Sign-in   ${value("adminEmail")}`,
          // A rehearsal's password opens nothing but this machine; a real one is shown on request only.
          open.instance
            ? `  Password  ${value("adminPassword")}`
            : `  Password  npm run --silent hub -- outputs --stack ${open.stack.name} --json --show-secrets`,
          ...(outputs.caCertificate
            ? [
                "",
                "  The certificate comes from the hub's own CA: a browser asks once whether to go on.",
              ]
            : []),
          "",
          "",
        ].join("\n"),
      );
      return 0;
    } finally {
      await open.close();
    }
  },
});

/** Opens a stack of the hub's program: the rehearsal's, or one in the cloud, both driven by the real engine. */
import { copyFile, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { type Config, parseConfig } from "../../config/parse.ts";
import { UserError } from "../../hub/user-error.ts";
import program from "../../index.ts";
import { currentInstance, type Instance } from "../../rehearsal/instance.ts";
import { installLanguageHost } from "../../rehearsal/language-host/install.ts";
import { startRehearsal } from "../../rehearsal/start.ts";
import { lineProgress, type Progress } from "../progress.ts";
import { ensurePulumi } from "../toolchain/index.ts";
import { explain } from "./explain.ts";
import { rehearsalConfig } from "./rehearsal-config.ts";

export const repository = new URL("../..", import.meta.url).pathname;

export interface OpenStack {
  stack: Stack;
  /** The rehearsal it belongs to; undefined in the cloud. */
  instance?: Instance;
  progress: Progress;
  /** Environment the engine gets, for running the plain CLI beside it. */
  env: Record<string, string>;
  pulumi: string;
  workDir: string;
  /** The stack's settings, all mistakes reported at once. */
  config(): Promise<Config>;
  close(): Promise<void>;
}

export const REHEARSAL = "rehearsal";
/** A stack beside it in the same simulated cloud, as a fire drill makes one. */
const inRehearsal = (name: string) => name === REHEARSAL || name.startsWith(`${REHEARSAL}-`);

export async function openStack(
  values: { stack?: unknown; "real-providers"?: unknown },
  progress: Progress = lineProgress(),
  /** `engine` is enough to read outputs and settings; `program` brings up what running the program needs. */
  need: "program" | "engine" = "program",
): Promise<OpenStack> {
  const name = typeof values.stack === "string" ? values.stack : REHEARSAL;
  if (!/^[A-Za-z0-9._/-]{1,100}$/.test(name)) throw new UserError(`"${name}" is not a stack name`);
  // A socket that does not answer would fail every command on the host.
  delete process.env.SSH_AUTH_SOCK;
  process.env.PULUMI_SKIP_UPDATE_CHECK = "1";
  return inRehearsal(name)
    ? openRehearsal(name, progress, {
        realProviders: values["real-providers"] === true,
        engineOnly: need === "engine",
      })
    : openCloud(name, progress);
}

async function openRehearsal(
  name: string,
  progress: Progress,
  options: { realProviders: boolean; engineOnly: boolean },
): Promise<OpenStack> {
  const instance = currentInstance();
  const rehearsal = await startRehearsal(instance, progress, options);
  const home = join(instance.stateDir, "pulumi");
  await mkdir(home, { recursive: true });
  await mkdir(instance.projectDir, { recursive: true });
  await copyFile(join(repository, "Pulumi.yaml"), join(instance.projectDir, "Pulumi.yaml"));
  // The plain CLI runs the program from its project's folder.
  for (const name of ["index.ts", "package.json", "node_modules"]) {
    await rm(join(instance.projectDir, name), { force: true });
    await symlink(join(repository, name), join(instance.projectDir, name));
  }
  const languageHost = await installLanguageHost(instance.stateDir);
  const env = {
    ...rehearsal.env,
    PULUMI_BACKEND_URL: `file://${home}`,
    PULUMI_HOME: home,
    PATH: `${process.env.PATH}:${languageHost}`,
  };
  Object.assign(process.env, env);
  const pulumiCommand = await PulumiCommand.get({
    root: rehearsal.pulumiRoot,
    skipVersionCheck: true,
  });
  const stack = await LocalWorkspace.createOrSelectStack(
    { stackName: name, projectName: "aihub", program },
    { workDir: instance.projectDir, pulumiCommand, envVars: env },
  );
  // Another stack there brings settings of its own.
  if (name === REHEARSAL) await fillSettings(stack);
  return opened(stack, progress, {
    instance,
    env,
    pulumi: join(rehearsal.pulumiRoot, "bin", "pulumi"),
    workDir: instance.projectDir,
    close: rehearsal.close,
  });
}

async function fillSettings(stack: Stack): Promise<void> {
  const given = await stack.getAllConfig();
  for (const [key, value] of Object.entries(rehearsalConfig)) {
    const top = key.replace(/\[.*/, "");
    if (["", "[]", undefined].includes(given[`aihub:${top}`]?.value)) {
      await stack.setConfig(`aihub:${key}`, { value }, top !== key);
    }
  }
}

async function openCloud(name: string, progress: Progress): Promise<OpenStack> {
  if (!process.env.DIGITALOCEAN_TOKEN && !process.env.DIGITALOCEAN_ACCESS_TOKEN) {
    throw new UserError(
      "No DigitalOcean token.\n" +
        "  Make one with read and write scopes at https://cloud.digitalocean.com/account/api/tokens\n" +
        "  and set it for this shell: export DIGITALOCEAN_TOKEN=...",
    );
  }
  const pulumi = await ensurePulumi(progress);
  const pulumiCommand = await PulumiCommand.get({ root: pulumi.root, skipVersionCheck: true });
  let stack: Stack;
  try {
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: name, projectName: "aihub", program },
      { workDir: repository, pulumiCommand },
    );
  } catch (error) {
    throw new UserError(explain(error, name));
  }
  return opened(stack, progress, {
    env: {},
    pulumi: join(pulumi.root, "bin", "pulumi"),
    workDir: repository,
    close: async () => {},
  });
}

function opened(
  stack: Stack,
  progress: Progress,
  rest: Omit<OpenStack, "stack" | "progress" | "config">,
): OpenStack {
  return {
    stack,
    progress,
    ...rest,
    async config() {
      try {
        const all = await stack.getAllConfig();
        const raw: Record<string, string> = {};
        for (const [key, { value }] of Object.entries(all)) {
          if (key.startsWith("aihub:")) raw[key.slice("aihub:".length)] = value;
        }
        return parseConfig(
          raw,
          `npm run hub -- config${rest.instance ? "" : ` --stack ${stack.name}`}`,
        );
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(explain(error, stack.name));
      }
    },
  };
}

/** The stack file's text, for a change that must be undone when it turns out wrong. */
export async function stackFile(
  open: Pick<OpenStack, "stack" | "workDir">,
): Promise<{ path: string; text: string }> {
  const path = join(open.workDir, `Pulumi.${open.stack.name}.yaml`);
  return { path, text: await readFile(path, "utf8").catch(() => "") };
}

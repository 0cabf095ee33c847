/** The steps of the host's scripts as bash itself tells them while they run: no list of them is kept anywhere. */
import { readFile } from "node:fs/promises";
import type { Console, Said } from "./console.ts";

export interface ScriptStep {
  /** As SWEEP_AFTER wants it. */
  line: string;
  /** For people: script and command. */
  words: string;
}

const FOLDER = "/run/sweep";
/** What decides, names or says, and changes nothing. */
const idle =
  /^(\[|local |say |set |echo |printf |return|\. |case |for |grep |while |[A-Za-z_]+=(?!\$\()|flock |exec )/;

/**
 * @param log lines of SCRIPT, FUNCTION and COMMAND, in the order in which they were run
 * @returns each command that changes something, once; not the last of a script, after which it has ended anyway
 */
export function scriptSteps(log: string): ScriptStep[] {
  const steps = new Map<string, ScriptStep>();
  const lines = log.split("\n").filter(Boolean);
  const last = new Map(lines.map((line) => [line.split("\t")[0], line]));
  for (const line of lines) {
    const [script = "", name = "", command = ""] = line.split("\t");
    // Bash tells of a function once more when it enters it.
    if (idle.test(command) || command.split(" ")[0] === name || last.get(script) === line) continue;
    const spoken = command.replace(/ *[0-9]?(>|2>&1|\|).*/, "").replace(/"/g, "");
    if (!steps.has(line)) steps.set(line, { line, words: `${script}: ${spoken}` });
  }
  return [...steps.values()];
}

/** Runs apply.sh of a release as the remote command does, telling its steps. */
export async function tellSteps(host: Console, release: string): Promise<ScriptStep[]> {
  await putTrap(host);
  await host.must(
    `rm -f ${FOLDER}/log; SWEEP_LOG=${FOLDER}/log BASH_ENV=${FOLDER}/kill-script.sh ${applyOf(release)} </dev/null`,
  );
  return scriptSteps(await host.must(`cat ${FOLDER}/log`));
}

/** Runs apply.sh of a release and kills it, and all that it started, after a step. @throws Error when it ended by itself */
export async function killAfter(host: Console, release: string, step: ScriptStep): Promise<Said> {
  await putTrap(host);
  // A session of its own: what is killed is its process group.
  const said = await host.run(
    `IFS= read -r step; export SWEEP_AFTER="$step" BASH_ENV=${FOLDER}/kill-script.sh; setsid --wait ${applyOf(release)} </dev/null`,
    `${step.line}\n`,
  );
  if (said.code !== 137) {
    throw new Error(
      `it ended with ${said.code} before it could be killed: ${said.text.slice(-300)}`,
    );
  }
  return said;
}

export function applyOf(release: string): string {
  return `/opt/aihub/releases/${release}/apply.sh`;
}

async function putTrap(host: Console): Promise<void> {
  const text = await readFile(new URL("kill-script.sh", import.meta.url), "utf8");
  await host.must(`mkdir -p ${FOLDER} && cat >${FOLDER}/kill-script.sh`, text);
}

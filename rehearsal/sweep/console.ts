/** The droplet's console: commands as root that need neither its network nor its SSH. */
import { execa } from "execa";
import { INSTANCE_LABEL } from "../droplet/container.ts";

export interface Said {
  code: number;
  /** Both streams in the order they came. */
  text: string;
}

/** The machine that is switched on; after a replacement it is another one. @throws Error when there is not exactly one */
async function machine(instance: string): Promise<string> {
  const { stdout } = await execa("docker", [
    ...["ps", "--quiet", "--filter", `label=${INSTANCE_LABEL}=${instance}`],
  ]);
  const found = stdout.split("\n").filter(Boolean);
  if (found.length !== 1) throw new Error(`${found.length} droplets are on, not one`);
  return found[0] ?? "";
}

export class Console {
  readonly #instance: string;

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** Runs it by bash, with `input` on its standard input. Never throws for an exit code. */
  async run(script: string, input = ""): Promise<Said> {
    const { exitCode, all } = await execa(
      "docker",
      ["exec", "--interactive", await machine(this.#instance), "bash", "-c", script],
      { reject: false, all: true, input },
    );
    return { code: exitCode ?? 255, text: String(all ?? "") };
  }

  /** @returns what it printed @throws Error when it does not end well */
  async must(script: string, input = ""): Promise<string> {
    const { code, text } = await this.run(script, input);
    if (code !== 0)
      throw new Error(`on the host: ${text.trim().split("\n").slice(-4).join(" | ")}`);
    return text.trim();
  }

  id(): Promise<string> {
    return machine(this.#instance);
  }
}

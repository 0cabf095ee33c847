/** The droplet's console: commands as root that need neither its network nor its SSH. */
import { execa } from "execa";
import { runningDroplet } from "../droplet/container.ts";

export interface Said {
  code: number;
  /** Both streams in the order they came. */
  text: string;
}

export class Console {
  readonly #instance: string;

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** Runs it by bash on the machine that is on (after a replacement another one), with `input` on its standard input. Never throws for an exit code. */
  async run(script: string, input = ""): Promise<Said> {
    const { exitCode, all } = await execa(
      "docker",
      ["exec", "--interactive", await runningDroplet(this.#instance), "bash", "-c", script],
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
}

/** Has certbot run in its own container: a request is a file in a folder that both see, and so is the answer. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** order-staging: a trial that nobody serves. order: a new certificate in any case. renew: one when it is due. */
export type CertbotRequest = "order-staging" | "order" | "renew";

export interface CertbotResult {
  exitCode: number;
  /** What it said at last, at most 8 KB. */
  output: string;
}

export interface Certbot {
  /**
   * @param id letters, digits and hyphens; no other run may have it
   * @returns undefined when its container does not take the request, so that nothing was ordered
   */
  run(request: CertbotRequest, id: string): Promise<CertbotResult | undefined>;
  /** The result of a run that another process of this server asked for; undefined when it never began. */
  collect(id: string): Promise<CertbotResult | undefined>;
}

export interface CertbotTimes {
  /** Milliseconds between two looks. */
  look: number;
  /** Milliseconds in which a request must be taken. */
  taken: number;
  /** Milliseconds in which an answer must be there; certbot itself is cut off before. */
  answered: number;
}

const times: CertbotTimes = { look: 500, taken: 60_000, answered: 1_200_000 };

/** @param folder shared with certbot's container */
export function certbotIn(
  folder: string,
  { look, taken, answered }: CertbotTimes = times,
): Certbot {
  const requested = join(folder, "request");
  const running = join(folder, "running");
  const result = join(folder, "result");

  async function answer(id: string): Promise<CertbotResult | undefined> {
    const text = await textOf(result);
    const [, whose, code, output = ""] = /^(\S+) (\d+)\n([\s\S]*)$/.exec(text ?? "") ?? [];
    return whose === id ? { exitCode: Number(code), output } : undefined;
  }

  async function isAt(path: string, id: string): Promise<boolean> {
    return (await textOf(path))?.trim().split(" ")[1] === id;
  }

  async function wait(id: string): Promise<CertbotResult | undefined> {
    const started = performance.now();
    for (;;) {
      const found = await answer(id);
      if (found) return found;
      const waited = performance.now() - started;
      if (waited > taken && (await isAt(requested, id))) {
        // Whoever moves it first has it.
        const withdrawn = await rename(requested, `${requested}.withdrawn`).then(
          () => true,
          () => false,
        );
        await rm(`${requested}.withdrawn`, { force: true });
        if (withdrawn) return undefined;
      }
      if (waited > answered) return { exitCode: 124, output: "certbot gives no answer" };
      await sleep(look);
    }
  }

  return {
    async run(request, id) {
      await rm(result, { force: true });
      await writeFile(`${requested}.new`, `${request} ${id}\n`, { mode: 0o644 });
      await rename(`${requested}.new`, requested);
      return wait(id);
    },
    async collect(id) {
      // In this order: it moves from the first to the last, and is missed at none.
      const underWay = (await isAt(requested, id)) || (await isAt(running, id));
      return underWay ? wait(id) : answer(id);
    },
  };
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** What certbot's output says about why it failed, in one line of at most 400 characters. */
export function reasonIn(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(Saving debug log|Ask for help|- -|Hint:)/.test(line));
  const details = lines.filter((line) => /^(Detail|Type):/.test(line));
  return (details.length > 0 ? details : lines.slice(-3)).join(" ").slice(0, 400);
}

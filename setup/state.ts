/** What the setup job remembers between runs, one file each, readable by its owner alone unless said otherwise. */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export type Remembered =
  /** Key that the hub's own jobs use Open WebUI with. */
  | "api-key"
  /** Password that was applied last; what a rotation starts from. */
  | "admin-password"
  /** Model API that the hub connected last; what it may disconnect. */
  | "model-api-url";

export class State {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(name: Remembered): Promise<string | undefined> {
    try {
      return (await readFile(join(this.#folder, name), "utf8")).trim() || undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** `mode` are the file's permission bits. */
  async write(name: Remembered, value: string, mode = 0o600): Promise<void> {
    if ((await this.read(name)) === value) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const temporary = join(this.#folder, `.${name}.${randomBytes(6).toString("hex")}`);
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(`${value}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(this.#folder, name));
  }

  async forget(name: Remembered): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }
}

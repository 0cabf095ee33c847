import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEscrow } from "../../../escrow/open.ts";
import { seal } from "../../../escrow/seal.ts";
import { silent } from "../../../scripts/progress.ts";
import { ensureAge } from "../../../scripts/toolchain/age.ts";
import { contents } from "../../escrow/example.ts";

/** The day it is needed, this checkout may not run: age itself must do. */
describe("age's own client", () => {
  let bin: string;
  let folder: string;
  let keyFile: string;
  let recipient: string;

  const age = (args: string[], options: { input?: string; env?: Record<string, string> } = {}) =>
    execa(join(bin, "age"), args, {
      ...options,
      env: { ...options.env, PATH: `${bin}:${process.env.PATH}` },
      stripFinalNewline: false,
    });

  beforeAll(async () => {
    bin = await ensureAge(silent);
    folder = await mkdtemp(join(tmpdir(), "aihub-age-test-"));
    keyFile = join(folder, "key.txt");
    await execa(join(bin, "age-keygen"), ["-o", keyFile]);
    recipient = (await execa(join(bin, "age-keygen"), ["-y", keyFile])).stdout;
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("opens what was sealed to its recipient", async () => {
    const file = join(folder, "a.age");
    await writeFile(file, await seal(contents, { recipients: [recipient] }));
    const { stdout } = await age(["-d", "-i", keyFile, file]);
    expect(JSON.parse(stdout)).toEqual(contents);
  });

  it("opens what was sealed by a passphrase", async () => {
    const file = join(folder, "b.age");
    const passphrase = "five plain words of it";
    await writeFile(file, await seal(contents, { passphrase }));
    const { stdout } = await age(["-d", "-j", "batchpass", file], {
      env: { AGE_PASSPHRASE: passphrase },
    });
    expect(JSON.parse(stdout)).toEqual(contents);
  });

  it("seals what is opened here, as when somebody else is let in", async () => {
    const file = join(folder, "c.age");
    for (const form of ["--armor", undefined]) {
      await age(["-r", recipient, ...(form ? [form] : []), "-o", file], {
        input: JSON.stringify(contents),
      });
      const identity = await readFile(keyFile, "utf8");
      expect(await openEscrow(await readFile(file), { identity })).toEqual(contents);
    }
  });
});

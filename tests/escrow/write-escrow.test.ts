import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEscrow } from "../../escrow/open.ts";
import { UserError } from "../../hub/user-error.ts";
import {
  type EscrowFile,
  requireFree,
  workTreeAround,
  writeEscrow,
} from "../../scripts/hub/write-escrow.ts";
import { contents } from "./example.ts";

let folder: string;
let out: string;
let identity: string;
let file: EscrowFile;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-escrow-test-"));
  out = join(folder, "hub.age");
  identity = await generateIdentity();
  file = {
    out,
    to: { recipients: [await identityToRecipient(identity)] },
    by: { identity },
    force: false,
    verifyCommand: "npm run hub -- escrow --verify hub.age",
    openWith: async (read) => {
      expect(read).toEqual(contents);
      return { points: 3, newest: "2026-11-25T02:00:00.000Z" };
    },
  };
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const cannotOpen = async () => {
  throw new UserError("the bucket does not answer");
};

describe("a new escrow", () => {
  it("is for its owner alone, and verified by what is read back from it", async () => {
    expect(await writeEscrow(contents, file)).toEqual({
      points: 3,
      newest: "2026-11-25T02:00:00.000Z",
    });
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect(await openEscrow(await readFile(out), { identity })).toEqual(contents);
    expect(await readdir(folder)).toEqual(["hub.age"]);
  });

  it("is not verified without a key that opens it", async () => {
    const openWith = async () => expect.fail("nothing was read back, so nothing is to be tried");
    expect(await writeEscrow(contents, { ...file, by: undefined, openWith })).toBeUndefined();
    expect(await openEscrow(await readFile(out), { identity })).toEqual(contents);
  });

  it("is not left where the key given is not the recipient's", async () => {
    const by = { identity: await generateIdentity() };
    await expect(writeEscrow(contents, { ...file, by })).rejects.toThrow(/other recipients/);
    expect(await readdir(folder)).toEqual([]);
  });

  it("is kept, and called unverified, when the backups do not open", async () => {
    await expect(writeEscrow(contents, { ...file, openWith: cannotOpen })).rejects.toThrow(
      /NOT VERIFIED: the bucket does not answer[\s\S]*--verify/,
    );
    expect(await openEscrow(await readFile(out), { identity })).toEqual(contents);
    expect(await readdir(folder)).toEqual(["hub.age"]);
  });
});

describe("an older escrow", () => {
  beforeEach(() => writeFile(out, "older"));

  it("is replaced only when that is asked for", async () => {
    await expect(requireFree(out, false)).rejects.toThrow(/there already/);
    await expect(writeEscrow(contents, file)).rejects.toThrow(/there already/);
    expect(await readFile(out, "utf8")).toBe("older");
    await requireFree(out, true);
    await writeEscrow(contents, { ...file, force: true });
    expect(await openEscrow(await readFile(out), { identity })).toEqual(contents);
  });

  it("stays when the new one does not open the backups: it may be the one that does", async () => {
    await expect(
      writeEscrow(contents, { ...file, force: true, openWith: cannotOpen }),
    ).rejects.toThrow(/the bucket does not answer/);
    expect(await readFile(out, "utf8")).toBe("older");
    expect(await readdir(folder)).toEqual(["hub.age"]);
  });
});

it("says which git work tree a place is in, and that a folder is not there", async () => {
  await mkdir(join(folder, "a/b"), { recursive: true });
  expect(await workTreeAround(join(folder, "a/b/x.age"))).toBeUndefined();
  await mkdir(join(folder, "a/.git"));
  expect(await workTreeAround(join(folder, "a/b/x.age"))).toBe(join(folder, "a"));
  await expect(requireFree(join(folder, "c/x.age"), false)).rejects.toThrow(/no folder/);
});

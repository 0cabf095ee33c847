import {
  armor,
  Encrypter,
  generateHybridIdentity,
  generateIdentity,
  identityToRecipient,
} from "age-encryption";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { describeContents } from "../../escrow/describe.ts";
import { type OpenBy, openEscrow } from "../../escrow/open.ts";
import { seal } from "../../escrow/seal.ts";
import { UserError } from "../../hub/user-error.ts";
import { contents } from "./example.ts";

const passphrase = "five plain words of it";
let identity: string;
let recipient: string;

const open = (file: string | Uint8Array, by: OpenBy = { identity }) =>
  openEscrow(typeof file === "string" ? Buffer.from(file) : file, by);

/** A file that opens, whatever is in it. */
async function sealed(text: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(text);
}

const complaint = async (attempt: Promise<unknown>): Promise<string> => {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as UserError;
  expect(message).not.toMatch(/secret|AGE-SECRET-KEY-1\w{20}/);
  return message;
};

beforeAll(async () => {
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});

// A passphrase is made slow to try, here too.
describe("an escrow sealed by a passphrase", { timeout: 120_000 }, () => {
  let file: string;
  beforeAll(async () => {
    file = await seal(contents, { passphrase });
  }, 120_000);

  it("opens by it, and holds what was put in", async () => {
    expect(file).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/);
    expect(await open(file, { passphrase })).toEqual(contents);
  });

  it("opens by nothing else, and says why", async () => {
    expect(await complaint(open(file, { passphrase: `${passphrase}.` }))).toMatch(
      /passphrase does not open/,
    );
    expect(await complaint(open(file))).toMatch(/sealed by a passphrase.*leave --identity out/);
  });

  it("is not made by a passphrase that could be guessed", async () => {
    expect(await complaint(seal(contents, { passphrase: "short" }))).toMatch(/16 characters/);
  });
});

describe("an escrow sealed to recipients", () => {
  it("opens by the key of each of them, as age-keygen writes it, and by no other", async () => {
    const other = await generateHybridIdentity();
    const file = await seal(contents, {
      recipients: [recipient, await identityToRecipient(other)],
    });
    const keyFile = `# created: 2026-11-25\n# public key: ${recipient}\r\n${identity}\r\n`;
    expect(await open(file, { identity: keyFile })).toEqual(contents);
    expect(await open(file, { identity: other })).toEqual(contents);
    expect(await complaint(open(file, { identity: await generateIdentity() }))).toMatch(
      /sealed to other recipients/,
    );
    expect(await complaint(open(file, { passphrase }))).toMatch(/give the key of one: --identity/);
  });

  it("takes no plugin's recipient, and repeats no secret key that was given as one", async () => {
    for (const wrong of ["age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5", "ssh-ed25519 AAAA", identity])
      expect(await complaint(seal(contents, { recipients: [wrong] }))).toMatch(/no age recipient/);
    await complaint(seal(contents, { recipients: [] }));
  });

  it("takes no identity that is none", async () => {
    const file = await seal(contents, { recipients: [recipient] });
    for (const wrong of ["# nothing\n", "AGE-PLUGIN-YUBIKEY-1QQ", "-----BEGIN OPENSSH PRIVATE KEY"])
      expect(await complaint(open(file, { identity: wrong }))).toMatch(/no age identity/);
  });
});

describe("a damaged escrow", () => {
  it("never opens as something else, wherever a character is wrong", async () => {
    const file = await seal(contents, { recipients: [recipient] });
    const place = fc.nat(file.length - 1);
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 32, max: 126 }), async (at, code) => {
        const character = String.fromCharCode(code);
        fc.pre(file[at] !== character);
        const wrong = file.slice(0, at) + character + file.slice(at + 1);
        // A blank for the line break at the end is no damage: it opens as what it is.
        if (wrong.trimEnd() === file.trimEnd()) expect(await open(wrong)).toEqual(await open(file));
        else await complaint(open(wrong));
      }),
      { numRuns: 300, examples: [[file.length - 1, 32]] },
    );
  });

  it("never opens when its end is missing", async () => {
    const file = await seal(contents, { recipients: [recipient] });
    const raw = armor.decode(file);
    for (let length = 0; length < raw.length; length += 7)
      await complaint(open(raw.subarray(0, length)));
    for (let length = 0; length < file.trimEnd().length; length += 11)
      await complaint(open(file.slice(0, length)));
  });
});

describe("an age file that is no escrow of this version", () => {
  it("is told apart: of a newer version, another thing, or with parts that are wrong", async () => {
    const newer = JSON.stringify({ version: 2, secret: "secret" });
    expect(await complaint(open(await sealed(newer)))).toMatch(/version 2.*knows version 1/);
    expect(await complaint(open(await sealed("secret")))).toMatch(/no escrow of a hub/);
    expect(await complaint(open(await sealed("null")))).toMatch(/no escrow of a hub/);
    const wrong = { ...contents, passwords: { ...contents.passwords, mcpToken: "secret '" } };
    expect(await complaint(open(await sealed(JSON.stringify(wrong))))).toMatch(
      /passwords\.mcpToken$/,
    );
    expect(await complaint(open("secret"))).toMatch(/not an age file/);
  });

  it("opens when it is not armored", async () => {
    expect(await open(await sealed(JSON.stringify(contents)))).toEqual(contents);
  });
});

it("is described without any of its secrets", () => {
  const text = describeContents(contents).join("\n");
  expect(text).toMatch(/aihub\.example\.com[\s\S]*modelApiKey[\s\S]*aihub-backups[\s\S]*sftp:copy/);
  expect(text).not.toMatch(/secret-|secret[A-Z0-9]/);
});

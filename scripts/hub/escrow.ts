import { resolve } from "node:path";
import type { EscrowContents } from "../../escrow/contents.ts";
import { describeContents } from "../../escrow/describe.ts";
import { fingerprintOf } from "../../escrow/fingerprint.ts";
import { fromCopy } from "../../escrow/from-copy.ts";
import { type OpenBy, openEscrow } from "../../escrow/open.ts";
import { type OpenedRepository, openRepository } from "../../escrow/open-repository.ts";
import { recordScript } from "../../escrow/record.ts";
import type { SealTo } from "../../escrow/seal.ts";
import { UserError } from "../../hub/user-error.ts";
import { silent } from "../progress.ts";
import { adoptEscrow } from "./adopt-escrow.ts";
import { escrowKey, firstLine, readGiven } from "./escrow-key.ts";
import { gatherEscrow } from "./gather-escrow.ts";
import { openHost } from "./host.ts";
import { askNewPassphrase } from "./passphrase.ts";
import { resticFor } from "./restic-here.ts";
import { type OpenStack, openStack, REHEARSAL } from "./stack.ts";
import { defineVerb, type Values } from "./verb.ts";
import { requireFree, workTreeAround, writeEscrow } from "./write-escrow.ts";

/** Where the host has it; the host's own system has no usable one. */
const RESTIC_ON_HOST = "/opt/aihub/tools/restic";

export const verb = defineVerb({
  name: "escrow",
  summary:
    "Writes and verifies the sealed file that, with the backups, is enough to have the hub again on a new account\n" +
    "npm run hub -- escrow --out FILE | --verify FILE | --adopt FILE --stack NEW",
  options: {
    out: { type: "string", help: "FILE  write a new escrow there, and verify it" },
    verify: { type: "string", help: "FILE  see whether that escrow still opens the hub's backups" },
    adopt: {
      type: "string",
      help: "FILE  give a new stack all that the escrow holds: settings, secrets, passwords, place of the backups",
    },
    recipient: {
      type: "string",
      multiple: true,
      help: "AGE1...  seal to this age recipient instead of a passphrase; several with commas or given again",
    },
    identity: { type: "string", help: "FILE  age identity that opens the escrow" },
    "passphrase-file": {
      type: "string",
      help: "FILE  its first line is the passphrase; else it is asked for",
    },
    "from-copy": { type: "boolean", help: "with --adopt: take the second copy of the backups" },
    force: { type: "boolean", help: "replace a file that is there; adopt into a stack in use" },
    json: { type: "boolean", help: "print JSON and nothing else" },
  },
  async run(values) {
    const tasks = (["out", "verify", "adopt"] as const).filter(
      (name) => typeof values[name] === "string",
    );
    const [task] = tasks;
    if (tasks.length !== 1 || task === undefined) {
      throw new UserError(
        "One of --out FILE, --verify FILE and --adopt FILE says what to do; npm run hub -- escrow --help shows more",
      );
    }
    const file = resolve(String(values[task]));
    return { out: write, verify, adopt }[task](file, values);
  },
});

async function write(out: string, values: Values): Promise<number> {
  const force = values.force === true;
  await requireFree(out, force);
  const tree = await workTreeAround(out);
  if (tree !== undefined) {
    process.stderr.write(
      `! ${out} lies in the git work tree ${tree}: never commit it, and keep it somewhere else\n`,
    );
  }
  const { to, by } = await newKeys(values);
  return withStack(values, async (open) => {
    const contents = await gatherEscrow(open);
    const found = await writeEscrow(contents, {
      out,
      to,
      by,
      force,
      verifyCommand: verifyCommand(out, values),
      openWith: openWith(open),
    });
    const time = new Date().toISOString();
    if (found) await record(open, contents, time, verifyCommand(out, values));
    report(values, { file: out, contents, found, time });
    return 0;
  });
}

async function verify(file: string, values: Values): Promise<number> {
  const contents = await openEscrow(await readGiven(file), await escrowKey(values));
  return withStack(values, async (open) => {
    const found = await openWith(open)(contents);
    if (fingerprintOf(contents) !== fingerprintOf(await gatherEscrow(open))) {
      throw new UserError(
        `${file} opens, and so do the backups at ${contents.repository.location}, but the hub's keys or the place of its backups have changed since ${contents.made}.\n` +
          "  Write a new one: npm run hub -- escrow --out FILE. Keep the old one as long as you need the old backups",
      );
    }
    const time = new Date().toISOString();
    await record(open, contents, time, verifyCommand(file, values));
    report(values, { file, contents, found, time });
    return 0;
  });
}

async function adopt(file: string, values: Values): Promise<number> {
  if (typeof values.stack !== "string") {
    throw new UserError("Name the new stack that takes the escrow over: --stack NAME");
  }
  const sealed = await openEscrow(await readGiven(file), await escrowKey(values));
  const contents = values["from-copy"] === true ? fromCopy(sealed) : sealed;
  const { location } = contents.repository;
  return withStack(values, async (open) => {
    await adoptEscrow(open, contents, { force: values.force === true });
    const stack = open.stack.name;
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify({ stack, from: contents.stack, made: contents.made, location })}\n`,
      );
      return 0;
    }
    process.stdout.write(
      [
        `Stack ${stack} has taken over:`,
        ...describeContents(contents).map((line) => `  ${line}`),
        "",
        `Its backups go to, and are restored from, ${location}`,
        "Look whether the settings fit the new account (adminCidrs, domain, region), then make the hub and restore it:",
        ...afterAdoption(stack).map((line) => `  ${line}`),
        "",
      ].join("\n"),
    );
    return 0;
  });
}

/** Commands. The point is named: until the new hub has the old data it takes points of its own, and the newest may be one of them. */
export function afterAdoption(stack: string): string[] {
  return [
    `npm run hub -- config --stack ${stack}`,
    `npm start -- --stack ${stack}`,
    `npm run hub -- points --stack ${stack}`,
    `npm run hub -- restore hub --fresh --point POINT --stack ${stack}`,
  ];
}

async function withStack(
  values: Values,
  work: (open: OpenStack) => Promise<number>,
): Promise<number> {
  const open = await openStack(values, silent, "engine");
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}

/** Whom a new escrow is sealed to, and what opens it again here. */
async function newKeys(values: Values): Promise<{ to: SealTo; by: OpenBy | undefined }> {
  const recipients = [values.recipient ?? []]
    .flat()
    .flatMap((text) => String(text).split(/[\s,]+/))
    .filter(Boolean);
  if (recipients.length > 0) {
    if (values["passphrase-file"] !== undefined) {
      throw new UserError(
        "An age file is sealed to recipients or by a passphrase, not both; write two escrows",
      );
    }
    const by = typeof values.identity === "string" ? await escrowKey(values) : undefined;
    return { to: { recipients }, by };
  }
  if (values.identity !== undefined) {
    throw new UserError("--identity opens what is sealed to a --recipient; name the recipient too");
  }
  const file = values["passphrase-file"];
  const passphrase = typeof file === "string" ? await firstLine(file) : await askNewPassphrase();
  return { to: { passphrase }, by: { passphrase } };
}

/** From this machine when it has restic and the backups are within its reach, else from the host. */
function openWith(open: OpenStack): (contents: EscrowContents) => Promise<OpenedRepository> {
  return async ({ repository }) => {
    const here = await resticFor(repository);
    if (here) return openRepository(repository, "restic", here);
    const host = await openHost(open);
    try {
      return await openRepository(repository, RESTIC_ON_HOST, (script) =>
        host.run("sh -s", undefined, script),
      );
    } finally {
      host.close();
    }
  };
}

/** Lets the hub know, so that it asks no longer. */
async function record(
  open: OpenStack,
  contents: EscrowContents,
  time: string,
  again: string,
): Promise<void> {
  const note = recordScript({ time, fingerprint: fingerprintOf(contents) });
  const failed = (why: string) =>
    new UserError(
      `The escrow is written and verified, but the host could not be told, so the hub goes on asking for it: ${why}\n` +
        `  Tell it later: ${again}`,
    );
  const host = await openHost(open).catch((error: Error) => {
    throw failed(error.message);
  });
  try {
    const { code, stderr } = await host.run("timeout 30 sh -s", undefined, note);
    if (code !== 0) throw failed(stderr.trim() || `the command ends with ${code}`);
  } finally {
    host.close();
  }
}

function report(
  values: Values,
  {
    file,
    contents,
    found,
    time,
  }: {
    file: string;
    contents: EscrowContents;
    found: OpenedRepository | undefined;
    time: string;
  },
): void {
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({
        file,
        made: contents.made,
        fingerprint: fingerprintOf(contents),
        verified: found !== undefined,
        ...(found ? { verifiedAt: time, points: found.points, newest: found.newest ?? null } : {}),
        location: contents.repository.location,
      })}\n`,
    );
    return;
  }
  const state = found
    ? `${file} is verified: it opens, and by what it holds the backups open (${points(found)}).`
    : `${file} is written, but NOT VERIFIED: without the recipient's key it cannot be opened here, and the hub goes on asking.\n` +
      `  Where that key is: ${verifyCommand(file, values)} --identity KEY`;
  process.stdout.write(
    [
      state,
      "",
      "It holds, sealed:",
      ...describeContents(contents).map((line) => `  ${line}`),
      "",
      "Keep it, and what opens it, where neither the cloud account nor this machine can take it along: a password manager,",
      "a USB stick in a safe, a second person. Never in the bucket. Without it, nobody can read a backup once the stack's",
      "state is gone. Write a new one when the hub says that this one no longer fits.",
      "",
    ].join("\n"),
  );
}

function points({ points: count, newest }: OpenedRepository): string {
  if (newest === undefined) return "no recovery point in them yet";
  return `${count} recovery ${count === 1 ? "point" : "points"}, the newest of ${newest}`;
}

function verifyCommand(file: string, { stack }: Values): string {
  const named = typeof stack === "string" && stack !== REHEARSAL ? ` --stack ${stack}` : "";
  return `npm run hub -- escrow --verify ${file}${named}`;
}

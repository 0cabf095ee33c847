/** The keeping of the certificate as a part of the hub's server: works by itself, and tells how it stands. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Section } from "../section.ts";
import { acmeDirectory } from "./acme-directory.ts";
import { certbotIn } from "./certbot.ts";
import { heldCertificate } from "./held-certificate.ts";
import { Keeper } from "./keeper.ts";
import { Ledger } from "./ledger.ts";
import { nameLookup } from "./name-lookup.ts";
import { preflight } from "./preflight.ts";
import type { CertificateSettings } from "./settings.ts";
import { certificateStatus, saveStatus } from "./status.ts";

/** nginx comes up after this server, and must answer before the first look. */
const FIRST_MS = 10_000;
const AFTER_ERROR_MS = 600_000;
/** A timer can wait for 24 days at most, and a clock may be set. */
const LONGEST_MS = 3_600_000;

export function statusPath({ folder }: Pick<CertificateSettings, "folder">): string {
  return join(folder, "state", "status.json");
}

/** @param keeping false: only tells, for of two keepers each would order. */
export function certificateSection(settings: CertificateSettings, keeping: boolean): Section {
  const path = statusPath(settings);
  const stopped = new AbortController();
  if (keeping) void keep(settings, path, stopped.signal);
  return {
    prefix: "/hub/api/certificate",
    async handle(_request, response) {
      const status = await certificateStatus(path);
      response.writeHead(status ? 200 : 404, {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
      });
      response.end(JSON.stringify(status ?? null));
    },
    close: () => stopped.abort(),
  };
}

async function keep(
  settings: CertificateSettings,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const { hostName, server, stagingServer, caFile, folder } = settings;
  const exchange = join(folder, "exchange");
  let keeper: Keeper | undefined;
  let shown = "";
  let next = Date.now() + FIRST_MS;
  for (;;) {
    while (Date.now() < next) {
      const pause = Math.min(next - Date.now(), LONGEST_MS);
      const went = await sleep(pause, true, { signal, ref: false }).catch(() => false);
      if (!went) return;
    }
    try {
      keeper ??= new Keeper({
        ...{ hostName, server, stagingServer },
        ledger: await Ledger.open(join(folder, "state", "ledger.jsonl")),
        certbot: certbotIn(exchange),
        held: () => heldCertificate(join(exchange, "chain.pem")),
        save: (status) => {
          if (status.message !== shown) process.stderr.write(`certificate: ${status.message}\n`);
          shown = status.message;
          return saveStatus(path, status);
        },
        preflight: () =>
          preflight({
            ...{ hostName, server, webroot: join(folder, "webroot") },
            trial: stagingServer !== undefined,
            directory: () => acmeDirectory(server, caFile),
            lookup: nameLookup(settings.resolver),
          }),
      });
      next = await keeper.turn();
    } catch (error) {
      next = Date.now() + AFTER_ERROR_MS;
      // What was read of the ledger may be behind what is in it.
      keeper = undefined;
      const { message } = error as Error;
      process.stderr.write(`certificate: ${message}\n`);
      await troubled(path, message, next).catch(() => {});
    }
  }
}

async function troubled(path: string, message: string, next: number): Promise<void> {
  const known = await certificateStatus(path);
  await saveStatus(path, {
    ...(known ?? {
      ...{ notAfter: null, daysLeft: null, issuer: null },
      ledger: { issued: 0, failed: 0, trials: 0, last: null },
    }),
    state: known?.notAfter && Date.parse(known.notAfter) > Date.now() ? "at-risk" : "waiting",
    message,
    nextCheck: new Date(next).toISOString(),
    writtenAt: new Date().toISOString(),
  });
}

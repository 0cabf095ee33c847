/** Decides when a certificate is ordered, when it is asked whether it must be renewed, and when neither. */
import { type Budget, budgetOf, isFailure } from "./budget.ts";
import { type Certbot, type CertbotRequest, type CertbotResult, reasonIn } from "./certbot.ts";
import type { HeldCertificate } from "./held-certificate.ts";
import type { Ledger, LedgerRun } from "./ledger.ts";
import type { Obstacle } from "./obstacle.ts";
import type { CertificateStatus } from "./status.ts";

export interface KeeperParts {
  hostName: string;
  server: string;
  /** Undefined: an order is not tried elsewhere first. */
  stagingServer: string | undefined;
  preflight(): Promise<Obstacle | undefined>;
  certbot: Certbot;
  ledger: Ledger;
  /** What certbot handed on last. */
  held(): Promise<HeldCertificate | undefined>;
  save(status: CertificateStatus): Promise<void>;
  /** Milliseconds since 1970. Default Date.now. */
  now?(): number;
  /** From 0 to below 1. Default Math.random. */
  random?(): number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** How much earlier than its making a certificate may begin, for clocks that are behind. */
const BACKDATED_MS = 90 * MINUTE_MS;
/** Certificates that live shorter are asked after more often. */
const SHORT_LIFE_MS = 10 * DAY_MS;

/** Exit codes of one that was stopped: what it had done by then is not known. */
const cutOff = new Set([124, 130, 137, 143]);

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #now: () => number;
  readonly #random: () => number;
  /** Looks in a row that found an obstacle. */
  #obstacles = 0;
  #runs = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#random = parts.random ?? Math.random;
  }

  /**
   * Does what is to do now: at most one run of certbot, a trial before it apart.
   * @returns when the next turn is due, in milliseconds since 1970
   */
  async turn(): Promise<number> {
    await this.#settle();
    const before = await this.#parts.held();
    const request: CertbotRequest = this.#isGood(before) ? "renew" : "order";
    const budget = this.#budget();
    if (budget.why !== undefined) return this.#heldBack(before, budget);

    const obstacle = await this.#parts.preflight();
    if (obstacle) return this.#blocked(before, obstacle);
    this.#obstacles = 0;

    if (request === "order" && this.#parts.stagingServer !== undefined && !this.#wasTried()) {
      const trial = await this.#run("order-staging", this.#parts.stagingServer, before);
      if (trial.outcome !== "issued") return this.#failed(before, trial);
    }
    const run = await this.#run(request, this.#parts.server, before);
    const after = await this.#parts.held();
    if (isFailure(run.outcome) || !this.#isGood(after)) return this.#failed(after, run);
    const next = this.#now() + this.#pause(after as HeldCertificate);
    await this.#say("serving", after, next, "The certificate serves and is renewed by itself.");
    return next;
  }

  /** A run whose end nobody saw, because this server or the host was stopped meanwhile. */
  async #settle(): Promise<void> {
    const { ledger, certbot } = this.#parts;
    for (const run of ledger.runs().filter(({ outcome }) => outcome === "started")) {
      const held = await this.#parts.held();
      const result = await certbot.collect(run.id);
      // Its answer may be lost, but a certificate that is younger than its start is its own.
      const after = await this.#parts.held();
      const isNew =
        run.request === "order-staging"
          ? result?.exitCode === 0
          : after !== undefined &&
            (after.fingerprint !== held?.fingerprint ||
              after.notBefore > run.startedAt - BACKDATED_MS);
      await this.#end(run, result ?? { exitCode: 130, output: "it was cut off" }, isNew);
    }
  }

  async #run(
    request: CertbotRequest,
    server: string,
    before: HeldCertificate | undefined,
  ): Promise<{ outcome: LedgerRun["outcome"]; message: string }> {
    const { ledger, certbot, held } = this.#parts;
    if (request !== "renew") {
      const where = new URL(server).host;
      await this.#say("ordering", before, undefined, `A certificate is ordered from ${where}.`);
    }
    const startedAt = this.#now();
    this.#runs += 1;
    const id = `${startedAt}-${this.#runs}-${Math.floor(this.#random() * 1e9)}`;
    await ledger.add({ at: startedAt, id, request, server, outcome: "started" });
    const result = await certbot.run(request, id);
    if (result === undefined) {
      const message =
        "Certbot's container takes no requests. Look at it: npm run hub -- logs certbot.";
      await ledger.add({ at: this.#now(), id, request, server, outcome: "nothing", message });
      return { outcome: "failed", message };
    }
    const after = await held();
    const isNew =
      request === "order-staging"
        ? result.exitCode === 0
        : after !== undefined && after.fingerprint !== before?.fingerprint;
    return this.#end({ id, request, server }, result, isNew);
  }

  async #end(
    { id, request, server }: Pick<LedgerRun, "id" | "request" | "server">,
    result: CertbotResult,
    isNew: boolean,
  ): Promise<{ outcome: LedgerRun["outcome"]; message: string }> {
    // An order without a certificate is a failure, whatever certbot says.
    const idle = request === "renew" ? "nothing" : "lost";
    const otherwise =
      result.exitCode === 0 ? idle : cutOff.has(result.exitCode) ? "lost" : "failed";
    const outcome = isNew ? "issued" : otherwise;
    const said = isFailure(outcome) ? reasonIn(result.output) || "certbot says nothing" : "";
    const message =
      said &&
      `${new URL(server).host} gave no certificate for ${this.#parts.hostName}: ${said} More: npm run hub -- logs hub-server.`;
    await this.#parts.ledger.add({
      ...{ at: this.#now(), id, request, server, outcome },
      ...(message ? { message } : {}),
    });
    return { outcome, message };
  }

  #budget(): Budget {
    return budgetOf(this.#parts.ledger.runs(), this.#parts.server, this.#now());
  }

  /** Whether a trial succeeded since the last order failed, not long ago. */
  #wasTried(): boolean {
    const { ledger, stagingServer } = this.#parts;
    const runs = ledger.runs();
    const trial = runs.findLastIndex(
      (run) =>
        run.request === "order-staging" &&
        run.outcome === "issued" &&
        run.server === stagingServer &&
        run.startedAt > this.#now() - DAY_MS,
    );
    const orders = runs.findLastIndex(
      ({ request, outcome }) => request === "order" && outcome !== "nothing",
    );
    return trial > orders;
  }

  /** Whether this is the certificate to keep: for this name, not at its end, by this server. */
  #isGood(held: HeldCertificate | undefined): boolean {
    if (held === undefined || held.notAfter <= this.#now()) return false;
    if (!held.covers(this.#parts.hostName)) return false;
    const last = this.#parts.ledger
      .runs()
      .findLast(({ outcome, request }) => outcome === "issued" && request !== "order-staging");
    return last === undefined || last.server === this.#parts.server;
  }

  async #heldBack(held: HeldCertificate | undefined, budget: Budget): Promise<number> {
    const last = this.#parts.ledger.runs().findLast(({ outcome }) => isFailure(outcome));
    const reason = last?.message && budget.afterFailures ? `${last.message} ` : "";
    const message = `${reason}Nothing is ordered before ${iso(budget.from)}: ${budget.why}.`;
    // Three certificates a week are no reason to worry about the one that serves.
    const isFine = this.#isGood(held) && !budget.afterFailures;
    await this.#say(isFine ? "serving" : this.#worry(held), held, budget.from, message);
    return budget.from;
  }

  async #blocked(held: HeldCertificate | undefined, obstacle: Obstacle): Promise<number> {
    // Minutes 1, 2, 4, ...: a person may be at work on it. A look costs nothing of any limit.
    const pause = Math.min(2 ** this.#obstacles, 30) * MINUTE_MS;
    this.#obstacles += 1;
    const next = this.#now() + pause;
    await this.#say(this.#worry(held), held, next, `${obstacle.what} Fix: ${obstacle.fix}`);
    return next;
  }

  async #failed(
    held: HeldCertificate | undefined,
    { message }: { message: string },
  ): Promise<number> {
    const budget = this.#budget();
    const next = Math.max(budget.from, this.#now() + MINUTE_MS);
    await this.#say(this.#worry(held), held, next, `${message} Next attempt: ${iso(next)}.`);
    return next;
  }

  #worry(held: HeldCertificate | undefined): CertificateStatus["state"] {
    return held !== undefined && held.notAfter > this.#now() ? "at-risk" : "waiting";
  }

  /** Twice a day, every few hours for a life of days; never at the same minute as everybody else. */
  #pause({ notBefore, notAfter }: HeldCertificate): number {
    const usual = notAfter - notBefore < SHORT_LIFE_MS ? 3 * HOUR_MS : 12 * HOUR_MS;
    return usual * (0.8 + 0.4 * this.#random());
  }

  async #say(
    state: CertificateStatus["state"],
    held: HeldCertificate | undefined,
    next: number | undefined,
    message: string,
  ): Promise<void> {
    const now = this.#now();
    const week = this.#parts.ledger.runs().filter(({ startedAt }) => startedAt > now - 7 * DAY_MS);
    const count = (fits: (run: LedgerRun) => boolean) => week.filter(fits).length;
    const last = this.#parts.ledger.runs().findLast(({ outcome }) => outcome !== "nothing");
    await this.#parts.save({
      state,
      message,
      notAfter: held ? iso(held.notAfter) : null,
      nextCheck: next === undefined ? null : iso(next),
      writtenAt: iso(now),
      daysLeft: held ? Math.floor((held.notAfter - now) / DAY_MS) : null,
      issuer: held?.issuer ?? null,
      ledger: {
        issued: count(
          ({ outcome, request }) => outcome === "issued" && request !== "order-staging",
        ),
        failed: count(({ outcome }) => isFailure(outcome)),
        trials: count(({ request }) => request === "order-staging"),
        last: last
          ? `${iso(last.endedAt ?? last.startedAt)} ${last.request} ${last.outcome}`
          : null,
      },
    });
  }
}

function iso(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

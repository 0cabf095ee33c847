/** An ACME server, its certbot and a clock, all made up: months pass in a moment. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  Certbot,
  CertbotRequest,
  CertbotResult,
} from "../../../hub-server/certificate/certbot.ts";
import type { HeldCertificate } from "../../../hub-server/certificate/held-certificate.ts";
import { Keeper, type KeeperParts } from "../../../hub-server/certificate/keeper.ts";
import { Ledger } from "../../../hub-server/certificate/ledger.ts";
import type { Obstacle } from "../../../hub-server/certificate/obstacle.ts";
import type { CertificateStatus } from "../../../hub-server/certificate/status.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const server = "https://acme.example/directory";
export const stagingServer = "https://staging.example/directory";

interface Asked {
  at: number;
  request: CertbotRequest;
  ok: boolean;
  issued: boolean;
}

export class World {
  now = Date.parse("2026-12-01T00:00:00Z");
  /** Days that a certificate lives. */
  life: number;
  held: HeldCertificate | undefined;
  obstacle: Obstacle | undefined;
  /** What certbot says instead of a certificate, by kind of request; undefined: it works. */
  refuses: (request: CertbotRequest) => string | undefined = () => undefined;
  /** Issued, but lost on the way. */
  loses = false;
  /** A renewal asked for before it is due, as renewal info can. */
  early = false;
  asked: Asked[] = [];
  status: CertificateStatus | undefined;
  /** Answers that wait for one who collects them. */
  answers = new Map<string, CertbotResult>();
  /** Throws at the next run, after certbot did its work, as when this server is stopped. */
  dies = false;
  next = 0;
  keeper: Keeper;
  readonly #folder: string;
  #serial = 0;
  #parts: Omit<KeeperParts, "ledger">;

  private constructor(folder: string, life: number, staging: string | undefined) {
    this.#folder = folder;
    this.life = life;
    let seed = 7;
    this.#parts = {
      hostName: "hub.example",
      server,
      stagingServer: staging,
      preflight: async () => this.obstacle,
      certbot: this.#certbot(),
      held: async () => this.held,
      save: async (status) => {
        this.status = status;
      },
      now: () => this.now,
      random: () => {
        seed = (seed * 48271) % 2147483647;
        return seed / 2147483647;
      },
    };
    this.keeper = undefined as unknown as Keeper;
  }

  static async make({ life = 90, trial = true } = {}): Promise<World> {
    const staging = trial ? stagingServer : undefined;
    const world = new World(await mkdtemp(join(tmpdir(), "aihub-keeper-")), life, staging);
    await world.restart();
    return world;
  }

  /** Another process of the server, or another host with the same volume. */
  async restart(parts: Partial<KeeperParts> = {}): Promise<void> {
    this.#parts = { ...this.#parts, ...parts };
    this.keeper = new Keeper({ ...this.#parts, ledger: await this.ledger() });
    this.next = this.now;
  }

  ledger(): Promise<Ledger> {
    return Ledger.open(join(this.#folder, "ledger.jsonl"));
  }

  async turn(): Promise<void> {
    this.next = await this.keeper.turn();
  }

  /** Turns as they come due. */
  async pass(duration: number, each: () => void = () => {}): Promise<void> {
    const end = this.now + duration;
    while (this.next <= end) {
      this.now = Math.max(this.now, this.next);
      await this.turn();
      if (this.next <= this.now) throw new Error("no time passes between two turns");
      each();
    }
    this.now = end;
  }

  count(request: CertbotRequest): number {
    return this.asked.filter((asked) => asked.request === request).length;
  }

  /** The most of these within any span of so many milliseconds. */
  most(span: number, fits: (asked: Asked) => boolean): number {
    const times = this.asked.filter(fits).map(({ at }) => at);
    return Math.max(
      0,
      ...times.map((from) => times.filter((at) => at >= from && at < from + span).length),
    );
  }

  dispose(): Promise<void> {
    return rm(this.#folder, { recursive: true });
  }

  #certbot(): Certbot {
    return {
      run: async (request, id) => {
        this.now += 20_000;
        const result = this.#carryOut(request);
        if (this.dies) {
          this.dies = false;
          this.answers.set(id, result);
          throw new Error("stopped");
        }
        return result;
      },
      collect: async (id) => this.answers.get(id),
    };
  }

  #carryOut(request: CertbotRequest): CertbotResult {
    const refusal = this.refuses(request);
    const due =
      request !== "renew" ||
      this.early ||
      !this.held ||
      this.now > this.held.notAfter - (this.life < 10 ? this.life / 2 : this.life / 3) * DAY;
    const issued = refusal === undefined && due;
    this.asked.push({ at: this.now, request, ok: refusal === undefined, issued });
    if (refusal !== undefined && due) return { exitCode: 1, output: `Detail: ${refusal}` };
    if (issued && request !== "order-staging") {
      this.#serial += 1;
      this.early = false;
      if (!this.loses) this.held = certificate(String(this.#serial), this.now, this.life);
    }
    return { exitCode: 0, output: "done" };
  }
}

export function certificate(serial: string, now: number, days: number): HeldCertificate {
  return {
    fingerprint: serial,
    issuer: "CN=A made-up CA",
    notBefore: now - HOUR,
    notAfter: now - HOUR + days * DAY,
    covers: (name) => name === "hub.example",
  };
}

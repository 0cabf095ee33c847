/** The running simulated cloud: its state, its droplets, its actions in flight. */
import { setTimeout as sleep } from "node:timers/promises";
import type { DropletDriver } from "../droplet/driver.ts";
import { actionFaults } from "./faults.ts";
import { busyDroplet, type Job } from "./job.ts";
import type { SpacesServer } from "./spaces-server.ts";
import { type Action, type CloudState, saveState, timestamp } from "./state.ts";

/** Does the work of a job; throws when it cannot be done, and may be called again after a crash. */
export type Performer = (cloud: Cloud, job: Job) => Promise<void>;

export interface SeenRequest {
  method: string;
  path: string;
  status: number;
}

export interface CloudArgs {
  state: CloudState;
  stateDir: string;
  driver: DropletDriver;
  /** Object storage; undefined: there is none. */
  spaces?: SpacesServer | undefined;
  /** N of 127.N.0.1. */
  block: number;
  /** Milliseconds that an action stays in progress before its work is done. */
  delayMs: number;
  perform: Performer;
  /** Called after each change of state; opens and shuts the doors in front of droplets. */
  onChange: (cloud: Cloud) => Promise<void>;
  log: (line: string) => void;
}

const CLOSE_PATIENCE_MS = 10_000;
const KEPT_ACTIONS = 2_000;

export class Cloud {
  readonly state: CloudState;
  readonly driver: DropletDriver;
  readonly spaces: SpacesServer | undefined;
  readonly block: number;
  readonly requestLog: SeenRequest[] = [];
  readonly log: (line: string) => void;
  readonly #args: CloudArgs;
  readonly #waiting = new Map<number, NodeJS.Timeout>();
  readonly #inFlight = new Set<Promise<void>>();
  /** Work on one droplet is done one after the other. */
  readonly #lines = new Map<number, Promise<void>>();
  #stopping = false;
  #closed = false;

  constructor(args: CloudArgs) {
    this.#args = args;
    this.state = args.state;
    this.driver = args.driver;
    this.spaces = args.spaces;
    this.block = args.block;
    this.log = args.log;
  }

  nextId(): number {
    this.state.lastId += 1;
    return this.state.lastId;
  }

  save(): void {
    if (!this.#closed) saveState(this.#args.stateDir, this.state);
  }

  /** Saves, and lets the network follow. */
  async changed(): Promise<void> {
    this.save();
    if (!this.#closed) await this.#args.onChange(this);
  }

  isBusy(dropletId: number): boolean {
    return this.state.actions.some(
      (action) => action.status === "in-progress" && busyDroplet(action.job) === dropletId,
    );
  }

  startAction(
    job: Job,
    about: Pick<Action, "type" | "resource_id" | "resource_type" | "region_slug">,
  ): Action {
    const action: Action = {
      id: this.nextId(),
      status: "in-progress",
      started_at: timestamp(),
      completed_at: null,
      ...about,
      job,
      failure: null,
      stuck: false,
    };
    this.state.actions.push(action);
    const surplus = this.state.actions.length - KEPT_ACTIONS;
    if (surplus > 0) {
      this.state.actions = this.state.actions.filter(
        ({ status }, index) => index >= surplus || status === "in-progress",
      );
    }
    this.#schedule(action);
    return action;
  }

  /** Goes on with what was in progress when the daemon ended. */
  resumeActions(): void {
    for (const action of this.state.actions) {
      if (action.status === "in-progress" && !action.stuck) this.#schedule(action);
    }
  }

  releaseStuckActions(): void {
    for (const action of this.state.actions) {
      if (action.status !== "in-progress") continue;
      const timer = this.#waiting.get(action.id);
      if (action.stuck || timer) {
        clearTimeout(timer);
        action.stuck = false;
        this.#schedule(action);
      }
    }
  }

  /** A droplet went down by itself: a reboot asked from inside starts it again, a halt leaves it off. */
  async wentDown(id: number, why: "reboot" | "halt"): Promise<void> {
    const droplet = this.state.droplets.find((one) => one.id === id);
    if (droplet?.status !== "active" || this.isBusy(id) || this.#stopping) return;
    if (await this.driver.running(id)) return;
    this.log(`droplet ${id} went down by itself (${why})`);
    if (why === "halt") {
      droplet.status = "off";
      await this.changed();
    } else {
      await this.driver.start(id).catch((error: unknown) => this.log(`reboot of ${id}: ${error}`));
    }
  }

  /** Starts no more work and waits for what runs; a daemon on the same state directory finishes the rest. */
  async close(): Promise<void> {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    this.#stopping = true;
    // A droplet may take minutes to shut down; what is still in progress then is done again by the next daemon.
    await Promise.race([
      Promise.allSettled(this.#inFlight),
      sleep(CLOSE_PATIENCE_MS, undefined, { ref: false }),
    ]);
    this.#closed = true;
  }

  #schedule(action: Action): void {
    const faults = actionFaults(this, action.type);
    if (faults.stuck) {
      action.stuck = true;
      return;
    }
    const timer = setTimeout(() => {
      this.#waiting.delete(action.id);
      const droplet = busyDroplet(action.job);
      const before = (droplet === null ? undefined : this.#lines.get(droplet)) ?? Promise.resolve();
      const work = before.then(() => this.#run(action, faults.errored));
      if (droplet !== null) this.#lines.set(droplet, work);
      this.#inFlight.add(work);
      void work.finally(() => this.#inFlight.delete(work));
    }, this.#args.delayMs + faults.delayMs);
    this.#waiting.set(action.id, timer);
  }

  async #run(action: Action, errored: boolean): Promise<void> {
    if (this.#stopping || action.status !== "in-progress") return;
    try {
      if (errored) throw new Error(`Fault on request for action:${action.type}.`);
      await this.#args.perform(this, action.job);
      action.status = "completed";
    } catch (error) {
      action.status = "errored";
      action.failure = error instanceof Error ? error.message : String(error);
      this.log(`action ${action.id} ${action.type} failed: ${action.failure}`);
    }
    action.completed_at = timestamp();
    await this.changed().catch((error: unknown) => this.log(`after ${action.type}: ${error}`));
  }
}

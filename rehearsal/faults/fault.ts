/** What is done to a hub while it is written to. */
import type { Attempt } from "./attempt.ts";
import type { Stage } from "./stage.ts";

export interface Fault {
  /** On the command line and in the table: lower-case letters and hyphens. */
  name: string;
  /** For people, in a few words. */
  what: string;
  /** Before anybody writes. */
  prepare?(stage: Stage): Promise<void>;
  /** Does it, keeps it up, ends it. */
  strike(stage: Stage): Promise<Struck>;
  /** Nobody writes any more. */
  tidy?(stage: Stage): Promise<void>;
  /** What must have been said to the writers, beside what holds for all faults. */
  wants?(attempts: readonly Attempt[]): string[];
}

export interface Struck {
  /** Milliseconds since 1970: from here on it is counted how long the hub takes to be good again. */
  over: number;
  /** What the hub did wrong, as far as the writers cannot see it. */
  problems?: string[];
  /** For the table. */
  notes?: string[];
}

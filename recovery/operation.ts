/**
 * An operation that changes the hub's data, recorded on the volume before each of its steps: whoever finds the record after a
 * kill knows what was going on. Only who holds the recovery program's lock begins one, goes on with one or looks for one, so
 * a record that is found is nobody's at work.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../hub/user-error.ts";
import { recall, remember } from "./memory.ts";
import { RECOVERY } from "./place.ts";

const NAME = "operation";

const recordSchema = z.object({
  kind: z.string(),
  /** Such as 2026-11-25T02-00-00Z-restore. */
  id: z.string().regex(/^[\w.-]+$/),
  startedAt: z.iso.datetime(),
  /** The step that had begun. */
  step: z.string(),
  params: z.unknown(),
  /** Snapshot of how everything was before. */
  pointOfThePresent: z.string().optional(),
});

export interface OperationKind<Step extends string, Params> {
  kind: string;
  /** In the order in which they are recorded; the crash sweep kills at each. */
  steps: readonly [Step, ...Step[]];
  params: z.ZodType<Params>;
  /**
   * Finishes or undoes what was begun, and calls `done`. Idempotent: it may be killed as well.
   * @throws UserError: the record stays, and the next resume tries again
   */
  resume(operation: Operation<Step, Params>): Promise<void>;
}

/** A kind whose own types are behind it. */
export interface RegisteredKind {
  kind: string;
  steps: readonly string[];
  resume(record: OperationRecord): Promise<void>;
}

export function registered<Step extends string, Params>(
  kind: OperationKind<Step, Params>,
): RegisteredKind {
  return {
    kind: kind.kind,
    steps: kind.steps,
    resume: (record) => kind.resume(Operation.of(kind, record)),
  };
}

export class Operation<Step extends string = string, Params = unknown> {
  readonly kind: string;
  readonly id: string;
  readonly startedAt: string;
  step: Step;
  params: Params;
  pointOfThePresent: string | undefined;

  private constructor(
    record: Omit<z.infer<typeof recordSchema>, "step" | "params"> & { step: Step; params: Params },
  ) {
    this.kind = record.kind;
    this.id = record.id;
    this.startedAt = record.startedAt;
    this.step = record.step;
    this.params = record.params;
    this.pointOfThePresent = record.pointOfThePresent;
  }

  /** Records that it begins, with its first step. @throws UserError when another one is unfinished */
  static async begin<Step extends string, Params>(
    { kind, steps }: OperationKind<Step, Params>,
    params: NoInfer<Params>,
  ): Promise<Operation<Step, Params>> {
    const other = await unfinished();
    if (other) {
      throw new UserError(
        `A ${other.kind} that began at ${other.startedAt} is unfinished (${other.step}).\n  fix: aihub-recovery resume on the host ends it`,
      );
    }
    const now = new Date();
    const operation = new Operation<Step, Params>({
      kind,
      id: `${now
        .toISOString()
        .replace(/\.\d+Z$/, "Z")
        .replaceAll(":", "-")}-${kind}`,
      startedAt: now.toISOString(),
      step: steps[0],
      params,
    });
    await operation.enter(steps[0]);
    return operation;
  }

  /** The recorded one, as its kind knows it. */
  static of<Step extends string, Params>(
    { kind, steps, params }: OperationKind<Step, Params>,
    record: OperationRecord,
  ): Operation<Step, Params> {
    const step = steps.find((one) => one === record.step);
    const known = params.safeParse(record.params);
    if (record.kind !== kind || step === undefined || !known.success) {
      throw new UserError(
        `${join(RECOVERY, `${NAME}.json`)} has a ${record.kind} that this release does not know.\n  fix: apply the release that began it, or a later one, then run aihub-recovery resume`,
      );
    }
    return new Operation({ ...record, step, params: known.data });
  }

  /**
   * Records the step before it is done. AIHUB_CRASH_AFTER=STEP in the environment, for tests, kills this process as soon as
   * that step is recorded.
   */
  async enter(step: Step, params: Partial<Params> = {}): Promise<void> {
    this.step = step;
    this.params = { ...this.params, ...params };
    const { kind, id, startedAt, pointOfThePresent } = this;
    await remember(NAME, {
      kind,
      id,
      startedAt,
      step,
      params: this.params,
      ...(pointOfThePresent === undefined ? {} : { pointOfThePresent }),
    } satisfies OperationRecord);
    if (process.env.AIHUB_CRASH_AFTER === step) process.kill(process.pid, "SIGKILL");
  }

  /** Nothing of it is left to do. */
  async done(): Promise<void> {
    await rm(join(RECOVERY, `${NAME}.json`), { force: true });
  }
}

export type OperationRecord = z.infer<typeof recordSchema>;

/** What a kill left unfinished. @throws UserError when there is a record that cannot be read */
export async function unfinished(): Promise<OperationRecord | undefined> {
  const found = await recall<unknown>(NAME);
  if (found === undefined && !existsSync(join(RECOVERY, `${NAME}.json`))) return undefined;
  const record = recordSchema.safeParse(found);
  if (!record.success) {
    throw new UserError(
      `${join(RECOVERY, `${NAME}.json`)} is not what this program writes.\n  fix: apply the release that wrote it; one that is damaged is removed by hand, after a look at whether the hub is whole`,
    );
  }
  return record.data;
}

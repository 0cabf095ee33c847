/** How the main thread and a walk in a worker thread talk while the walk is busy: by memory that both see. */

const CANCELLED = 0;
const STEPS = 1;
/** Entries between two looks at the clock. */
const STRIDE = 256;

export interface Interrupt {
  /** To be called at every entry. Throws `Interrupted` when the call was cancelled. */
  check(): void;
  /** Whether the time of one answer is used up. */
  readonly late: boolean;
}

/** The walk was given up by whoever asked for it. */
export class Interrupted extends Error {
  override name = "AbortError";
}

export type Control = Int32Array<SharedArrayBuffer>;

export function newControl(): Control {
  return new Int32Array(new SharedArrayBuffer(8));
}

export function cancel(control: Control): void {
  Atomics.store(control, CANCELLED, 1);
}

/** Entries that the walk has come to; it stands still in one entry as long as this does. */
export function stepsOf(control: Control): number {
  return Atomics.load(control, STEPS);
}

/** The walk's side of it. `tell` is called now and then with the number of entries so far. */
export function interruptBy(
  control: Control,
  milliseconds: number,
  tell?: (steps: number) => void,
): Interrupt {
  const until = performance.now() + milliseconds;
  let late = false;
  return {
    check() {
      if (Atomics.load(control, CANCELLED) === 1) throw new Interrupted("cancelled");
      const steps = Atomics.add(control, STEPS, 1);
      if (steps % STRIDE !== STRIDE - 1) return;
      late ||= performance.now() > until;
      tell?.(steps + 1);
    },
    get late() {
      return late;
    },
  };
}

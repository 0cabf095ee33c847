/** Says what long work is doing, on standard error, one line each: the answer of a verb is on standard output. */
export interface Progress {
  step<T>(what: string, work: () => Promise<T>): Promise<T>;
  note(text: string): void;
}

export const progress: Progress = {
  async step(what, work) {
    const started = Date.now();
    process.stderr.write(`${what}\n`);
    const result = await work();
    process.stderr.write(`  ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
    return result;
  },
  note: (text) => void process.stderr.write(`${text}\n`),
};

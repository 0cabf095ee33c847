/** A benchmark's command line: measures, says which targets are missed, and keeps the figures. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { UserError } from "../hub/user-error.ts";
import { missed, type Results, table, writePage } from "./report.ts";
import type { Row } from "./row.ts";

export interface BenchOptions {
  quick: boolean;
  json: boolean;
  /** Folder for a CPU profile. */
  profile?: string | undefined;
}

export interface Benchmark {
  /** Of its results, `bench/results/NAME.json`. */
  name: string;
  /** Of its marks in docs/benchmarks.md. Default: the name. */
  marks?: string;
  help: string;
  /** Takes --profile. */
  profiles?: boolean;
  /** What else the figures depend on, beside the machine. */
  runtime?: string;
  measure(options: BenchOptions): Promise<{
    rows: Row[];
    versions?: Record<string, string>;
    /** What the rows were made from, to be kept as well. */
    measured?: unknown;
  }>;
}

export async function runBenchmark(benchmark: Benchmark): Promise<void> {
  const { name, marks = name, help, runtime, measure } = benchmark;
  const { help: wantsHelp, ...options } = parse(benchmark);
  if (wantsHelp) {
    process.stdout.write(help);
    process.exit(0);
  }
  try {
    const { rows, versions = {}, measured } = await measure(options);
    const results: Results = {
      time: new Date().toISOString(),
      machine: `${cpus().length} cores of ${cpus()[0]?.model.trim()}${runtime ? `, ${runtime}` : ""}`,
      versions,
      rows,
    };
    if (!options.quick) {
      const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
      const file = at(`bench/results/${name}.json`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${JSON.stringify({ ...results, measured }, null, 2)}\n`);
      await writePage(at("docs/benchmarks.md"), results, marks);
    }
    process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : table(results));
    process.stderr.write(`\n${missed(results)}`);
  } catch (error) {
    const message = error instanceof UserError ? error.message : (error as Error).stack;
    process.stderr.write(`\n✘ ${message}\n`);
    process.exitCode = 1;
  }
}

const common = {
  help: { type: "boolean", short: "h" },
  quick: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

function parse({ help, profiles }: Benchmark): BenchOptions & { help?: boolean } {
  try {
    const options = profiles ? { ...common, profile: { type: "string" } as const } : common;
    return parseArgs({ options }).values as BenchOptions & { help?: boolean };
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message.split(". To specify")[0]}\n\n${help}`);
    process.exit(2);
  }
}

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { defineConfig } from "vitest/config";
import { LifeOrder } from "./rehearsal/scenarios/order.ts";

/** What `with { type: "text" }` means to esbuild, for the pages that the hub's server brings along. */
const pagesAsText = {
  name: "pages-as-text",
  enforce: "pre" as const,
  async load(id: string) {
    if (!/\/hub-server\/home\/page\/[^?]+\.(html|css|mjs)$/.test(id)) return undefined;
    return `export default ${JSON.stringify(await readFile(id, "utf8"))}`;
  },
};

/** Scenarios of up to five minutes each: with them a run comes near the hour and a half that it may take. */
const longest = ["drill", "canaries", "lost-volume", "upgrade"].map(
  (name) => `rehearsal/scenarios/${name}.test.ts`,
);

/** What comes in a moment takes longer on a machine that is at work. */
const patient = { poll: { timeout: 20_000 } };

/** One project per tier; the tiers, what each needs and how long it takes are in CONTRIBUTING.md. */
export default defineConfig({
  test: {
    sequence: { sequencer: LifeOrder },
    projects: [
      {
        plugins: [pagesAsText],
        test: {
          name: "unit",
          expect: patient,
          include: [
            "tests/{config,escrow,hub,render,remote,setup,scripts,docs,hub-server,faults}/**/*.test.ts",
          ],
          // Some play a year of renewals through; on a machine that is at work that takes minutes.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "components",
          expect: patient,
          include: ["tests/components/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "mcp",
          expect: patient,
          include: ["mcp-server/tests/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "recovery",
          expect: patient,
          include: ["tests/recovery/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: "stand-ins",
          expect: patient,
          include: ["rehearsal/{cloud,providers,droplet,images}/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: "rehearsal",
          expect: patient,
          include: ["rehearsal/scenarios/**/*.test.ts"],
          exclude: process.env.AIHUB_REHEARSAL === "full" ? [] : longest,
          // One scenario takes over the hub that another one left, within a run.
          env: { AIHUB_TEST_RUN: randomUUID() },
          testTimeout: 1_200_000,
          hookTimeout: 3_600_000,
          fileParallelism: false,
          sequence: { concurrent: false, groupOrder: 1 },
        },
      },
    ],
  },
});

/** The order in which the scenarios tell a hub's life: what builds it first, what removes it last. */
import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const life = [
  "mistakes",
  "up",
  "doors",
  "sign-on",
  "weaknesses",
  "host",
  "tools",
  "oauth",
  "browser",
  "home",
  "tls",
  "change",
  "gap",
  "keep",
  "restore",
  "drill",
  "canaries",
  "writers",
  "crash",
  "replace",
  "faults",
  "lost-volume",
  "destroy",
  "upgrade",
];

export class LifeOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = (file: TestSpecification) => life.indexOf(basename(file.moduleId, ".test.ts"));
    const scenarios = files.filter((file) => file.moduleId.includes("/rehearsal/scenarios/"));
    const others = await super.sort(files.filter((file) => !scenarios.includes(file)));
    return [...others, ...scenarios.sort((a, b) => place(a) - place(b))];
  }
}

import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const trap = new URL("../../rehearsal/sweep/kill-script.sh", import.meta.url).pathname;
let folder: string;

/** As the real ones are: one runs the other, with functions, tests, pipes and subshells. */
const scripts = {
  "apply.sh": `#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)
inner() { : one; : two; }
start() { "$here/switch.sh" "$@"; }
main() {
    if inner; then : seen; fi
    (cd / && true) || exit 1
    start nginx || exit 1
    local report
    report=$(inner) || exit 1
    "$here/other.sh"
    touch "$here/taken"
}
main
`,
  "switch.sh": `#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)
change_beside() { : "$1"; touch "$here/beside" || return 1; : after; }
change() { change_beside nginx || return 1; }
touch "$here/changing"
for each in one; do change "$each" || exit 1; done
rm -f "$here/changing"
`,
  "other.sh": '#!/usr/bin/env bash\ntouch "$(dirname "$0")/other"\n',
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aihub-kill-"));
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(env: Record<string, string>) {
  for (const name of ["changing", "beside", "other", "taken", "log"]) {
    await rm(join(folder, name), { force: true });
  }
  const { status, signal } = spawnSync("setsid", ["--wait", join(folder, "apply.sh")], {
    env: { ...process.env, BASH_ENV: trap, SWEEP_LOG: join(folder, "log"), ...env },
  });
  const there = async (name: string) =>
    readFile(join(folder, name)).then(
      () => true,
      () => false,
    );
  return {
    status,
    signal,
    log: (await readFile(join(folder, "log"), "utf8")).trim().split("\n"),
    changing: await there("changing"),
    beside: await there("beside"),
    other: await there("other"),
    taken: await there("taken"),
  };
}

describe("a rollout that tells its steps", () => {
  it("names the commands of main and of the switching, and runs as ever", async () => {
    const { status, log, taken, changing } = await run({});
    expect({ status, taken, changing }).toEqual({ status: 0, taken: true, changing: false });
    expect(log).toContain("apply.sh\tmain\tstart nginx");
    expect(log).toContain('switch.sh\tchange_beside\ttouch "$here/beside"');
    expect(log.join("\n")).not.toMatch(/: two|cd \/|other\.sh\tmain/);
  });
});

describe("a rollout that is to be killed", () => {
  it.each([
    ["apply.sh\tmain\tinner", { changing: false, beside: false, other: false }],
    ['switch.sh\tmain\ttouch "$here/changing"', { changing: true, beside: false, other: false }],
    [
      'switch.sh\tchange_beside\ttouch "$here/beside"',
      { changing: true, beside: true, other: false },
    ],
    ["apply.sh\tmain\tstart nginx", { changing: false, beside: true, other: false }],
    ['apply.sh\tmain\t"$here/other.sh"', { changing: false, beside: true, other: true }],
  ])("ends after %j and before the next, whatever that step did itself", async (after, left) => {
    expect(await run({ SWEEP_AFTER: after })).toMatchObject({
      ...{ signal: "SIGKILL", taken: false },
      ...left,
    });
  });
});

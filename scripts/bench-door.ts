/** `npm run bench:door`: what the gate costs, on a running hub. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runBenchmark } from "../bench/bench-command.ts";
import { type Measured, rowsOf } from "../bench/door/rows.ts";
import { defaultImages } from "../hub/images.ts";
import { UserError } from "../hub/user-error.ts";
import { type HostShell, openHost } from "./hub/host.ts";
import { openStack } from "./hub/stack.ts";
import { lineProgress, silent } from "./progress.ts";

const help = `npm run bench:door [-- --quick] [--json]

Measures on the running rehearsal (npm start makes one) what the gate adds to a file's latency, and to the editor's first load.
Takes about two minutes. Writes bench/results/door.json and the table in docs/benchmarks.md.

  --quick  fewer and shorter rounds, for a look; writes nothing
  --json   print the results as JSON
`;
const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
/** As many files as VS Code asks for when it is first opened. */
const ASSETS = 2000;

async function measure(quick: boolean): Promise<Measured> {
  const open = await openStack({}, silent, "engine");
  try {
    const outputs = await open.stack.outputs();
    const host = await openHost(open);
    try {
      return await onHost(host, {
        email: outputs.adminEmail?.value,
        password: outputs.adminPassword?.value,
        rounds: quick ? 3 : 9,
        milliseconds: quick ? 500 : 2_000,
      });
    } finally {
      await host.run(
        "docker rm -f aihub-door-bench; rm -rf /tmp/door-bench /data/workspace/bench-door.txt",
      );
      host.close();
    }
  } finally {
    await open.close();
  }
}

async function onHost(host: HostShell, settings: object): Promise<Measured> {
  const must = async (command: string, input = "") => {
    const { code, stdout, stderr } = await host.run(command, undefined, input);
    if (code !== 0) throw new UserError(`On the host: ${stderr.trim().slice(-600)}`);
    return stdout;
  };
  const found = await must(
    `docker exec aihub-code-server-1 sh -c 'cd /usr/lib/code-server/lib/vscode && find out extensions node_modules -type f -size -100k | grep -E "[.](js|css|svg|json)$" | sort'`,
  );
  const assets = found.split("\n").filter(Boolean).slice(0, ASSETS);
  await must(
    "mkdir -p /tmp/door-bench && cat >/tmp/door-bench/nginx.conf",
    await text("nginx.conf"),
  );
  await must("cat >/tmp/door-bench/load.mjs", await text("load.mjs"));
  await must("head -c 1024 /dev/zero | tr '\\0' x >/data/workspace/bench-door.txt");
  await must(
    `docker rm -f aihub-door-bench >/dev/null 2>&1; docker run -d --name aihub-door-bench --network aihub_edge --user 101:101 -v /data/hub/door:/run/door:ro -v /tmp/door-bench:/bench:ro ${defaultImages.nginx} nginx -c /bench/nginx.conf -g 'daemon off;'`,
  );
  const printed = await must(
    `docker run --rm -i --network container:aihub-door-bench -v /tmp/door-bench:/bench:ro ${defaultImages.node} node /bench/load.mjs`,
    JSON.stringify({ ...settings, assets }),
  );
  return JSON.parse(printed) as Measured;
}

function text(name: string): Promise<string> {
  return readFile(at(`bench/door/${name}`), "utf8");
}

await runBenchmark({
  name: "door",
  help,
  async measure({ quick }) {
    const measured = await lineProgress().step("Measuring", () => measure(quick));
    return { rows: rowsOf(measured), measured };
  },
});

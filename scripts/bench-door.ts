/** `npm run bench:door`: what the gate costs, on a running hub. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Measured, rowsOf } from "../bench/door/rows.ts";
import { missed, type Results, table, writePage } from "../bench/report.ts";
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
const options = {
  help: { type: "boolean", short: "h" },
  quick: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;
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

function parse() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    process.stderr.write(`✘ ${(error as Error).message.split(". To specify")[0]}\n\n${help}`);
    process.exit(2);
  }
}

const values = parse();
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
try {
  const measured = await lineProgress().step("Measuring", () => measure(values.quick));
  const results: Results = {
    time: new Date().toISOString(),
    machine: `${cpus().length} cores of ${cpus()[0]?.model.trim()}`,
    versions: {},
    rows: rowsOf(measured),
  };
  if (!values.quick) {
    const file = at("bench/results/door.json");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify({ ...results, measured }, null, 2)}\n`);
    await writePage(at("docs/benchmarks.md"), results, "door");
  }
  process.stdout.write(values.json ? `${JSON.stringify(results, null, 2)}\n` : table(results));
  process.stderr.write(`\n${missed(results)}`);
} catch (error) {
  const message = error instanceof UserError ? error.message : (error as Error).stack;
  process.stderr.write(`\n✘ ${message}\n`);
  process.exitCode = 1;
}

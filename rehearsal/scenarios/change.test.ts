/** Changes reach the services they concern; a change that is wrong is not taken, and the hub goes on answering. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  ask,
  beUp,
  changedCheckout,
  hub,
  hubOk,
  isFull,
  type Outputs,
  onHost,
  outputs,
  signIn,
  startTimes,
} from "./hub.ts";

let to: Outputs;

beforeAll(async () => {
  await beUp();
  to = await outputs();
});

/** Names of the services that were started again between two looks. */
function restarted(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys(after).filter((name) => before[name] !== after[name]);
}

async function edit(root: string, path: string, change: (text: string) => string): Promise<void> {
  const file = join(root, path);
  const before = await readFile(file, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`${path}: the change changes nothing`);
  await writeFile(file, after);
}

describe("a change", () => {
  it("of a setting restarts the service it concerns and no other", async () => {
    const before = await startTimes();
    await hubOk(["config", "set", "uploadLimitMib", "1"]);
    try {
      await hubOk(["up", "--yes"]);
      expect(restarted(before, await startTimes())).toEqual(["nginx"]);
      const session = await signIn(to);
      const upload = (name: string, size: number) =>
        ask(to, `/files/${name}`, {
          method: "PUT",
          headers: { Cookie: session.cookie, "Content-Length": String(size) },
          body: "x".repeat(size),
        });
      expect((await upload("small.txt", 1000)).status).toBe(201);
      expect((await upload("large.txt", 2 * 1024 * 1024)).status).toBe(413);
    } finally {
      await hubOk(["config", "rm", "uploadLimitMib"]);
    }
  });
});

describe("a change that is wrong", () => {
  const wrong: [string, (root: string) => Promise<void>, RegExp][] = [
    [
      "a compose file that compose refuses",
      (root) =>
        edit(root, "templates/compose.yaml", (text) =>
          text.replace(
            "    stop_grace_period: 30s\n",
            "    stop_grace_period: 30s\n    no_such_key: true\n",
          ),
        ),
      /docker compose refuses the new compose file[\s\S]*no_such_key/,
    ],
    [
      "a configuration that nginx refuses",
      (root) =>
        edit(root, "templates/nginx/nginx.conf", (text) =>
          text.replace("    sendfile on;", "    sendfile on;\n    no_such_directive on;"),
        ),
      /nginx refuses its new configuration[\s\S]*no_such_directive/,
    ],
    [
      "a service that never gets healthy",
      (root) =>
        edit(root, "templates/compose.yaml", (text) =>
          text.replace(
            "MCP_TOKEN_FILE: /run/secrets/mcp-token\n",
            "MCP_TOKEN_FILE: /run/secrets/no-such-token\n",
          ),
        ),
      /mcp-server: its stand-in is [\s\S]*not every service got healthy/,
    ],
    [
      "an image that does not exist",
      (root) =>
        edit(root, "hub/images.ts", (text) =>
          text.replace("valkey/valkey:8.1", "valkey/valkey:0.0.1"),
        ),
      /cannot fetch the image valkey\/valkey:0\.0\.1/,
    ],
    ...(isFull ? ["files", "code"] : ["files"]).map((door): (typeof wrong)[number] => [
      `the door of ${door} left open`,
      (root) =>
        edit(root, "templates/nginx/nginx.conf", (text) =>
          text.replace(
            `location /${door}/ {\n            set $gate_door ${door};\n            include /etc/aihub/gate.conf;`,
            `location /${door}/ {`,
          ),
        ),
      new RegExp(`/${door}/ answers .* to a stranger[\\s\\S]*a door is not as it must be`),
    ]),
  ];

  it.each(wrong)(
    "%s: fails clearly, the old release still answers",
    async (_what, change, message) => {
      const release = (await onHost("basename $(readlink -f /opt/aihub/current)")).trim();
      const changed = await changedCheckout(change);
      try {
        const run = await hub(["up", "--yes"], { from: changed.root });
        expect(run.exitCode, run.all.slice(-3000)).not.toBe(0);
        expect(run.all).toMatch(message);
      } finally {
        await changed.dispose();
      }
      expect((await ask(to, "/")).status).toBe(200);
      expect((await ask(to, "/files/")).status).toBe(401);
      await signIn(to);
      expect((await onHost("basename $(readlink -f /opt/aihub/current)")).trim()).toBe(release);
    },
  );

  it("is healed by the next good run", async () => {
    await hubOk(["up", "--yes"]);
    await hubOk(["status"]);
    await hubOk(["preview", "--expect-no-changes"]);
  });
});

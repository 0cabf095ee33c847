import { chmod, readFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import { settings } from "../example-settings.ts";
import { useHostFolders } from "../host-folders.ts";

const host = useHostFolders();

/** What runs before the way back begins; `docker compose up` starts what it names. */
async function dockerWith(...running: string[]): Promise<void> {
  for (const service of running) await host.put(`running/${service}`, "");
  await docker(`cd ${host.at("running")} || exit 1
echo "$*" >>${host.at("docker.log")}
case "$*" in
compose*" up "*) for word; do case $word in postgres | valkey) : >$word ;; esac; done ;;
ps*) for one in *; do case "$*" in *"service=$one "*) echo "$one" ;; esac; done ;;
"rm --force "*) rm -f "$3" ;;
*EVAL*) echo NONE ;;
*"--entrypoint psql"*) echo postgres ;;
esac`);
}

async function docker(script: string): Promise<void> {
  await host.put("bin/docker", `#!/bin/sh\n${script}\n`);
  await chmod(host.at("bin/docker"), 0o755);
  vi.stubEnv("PATH", `${host.at("bin")}:${process.env.PATH}`);
}

async function release(changes: Partial<typeof settings> = {}): Promise<void> {
  const told = { ...settings, ...changes };
  await host.put("opt/current/recovery/settings.json", JSON.stringify(told));
  await host.put("opt/current/compose.yaml", "services: {}\n");
  await host.put("opt/current/switch.sh", `#!/bin/sh\necho "switch" >>${host.at("docker.log")}\n`);
  await chmod(host.at("opt/current/switch.sh"), 0o755);
  await host.put(
    "opt/secrets/before/recovery.json",
    JSON.stringify({
      password: "p",
      mcpToken: "m",
      adminPassword: "a",
      databaseUrl: "postgresql://u:p@db/hub",
    }),
  );
  await host.put("opt/secrets/applied.env", "SECRETS_RECOVERY=/gone\n");
}

/** @returns what Docker was asked, in order, and whether the upgrade is over */
async function takeBackFrom(step: "setting-aside" | "changing") {
  const { Operation, unfinished } = await import("../../../recovery/operation.ts");
  const { upgradeKind } = await import("../../../recovery/upgrade/operation.ts");
  const { takeBack } = await import("../../../recovery/upgrade/take-back.ts");
  const upgrade = await Operation.begin(upgradeKind, {
    from: "chat:v0.12.4",
    to: "chat:v0.12.5",
    release: "arriving",
    appliedEnv: `SECRETS_RECOVERY=${host.at("opt/secrets/before")}\n`,
    rowsBefore: {},
    newest: [],
  });
  await upgrade.enter(step);
  await takeBack(upgrade);
  const asked = (await readFile(host.at("docker.log"), "utf8")).split("\n");
  return { asked, over: (await unfinished()) === undefined };
}

it("starts database and cache of the release before where the arriving one's do not run", async () => {
  await release();
  await dockerWith("open-webui");
  const { asked, over } = await takeBackFrom("changing");
  expect(over).toBe(true);
  const at = (part: string) => asked.findIndex((line) => line.includes(part));
  expect(asked[at("compose --progress")]).toContain(
    `--file ${host.at("opt/current/compose.yaml")} --env-file ${host.at("opt/secrets/applied.env")} up --detach --wait`,
  );
  expect(asked[at("compose --progress")]).toMatch(/ postgres valkey$/);
  // Two versions never use one database.
  expect(at("rm --force open-webui")).toBeLessThan(at("compose --progress"));
  expect(at("compose --progress")).toBeLessThan(at("psql"));
  expect(at("switch")).toBeGreaterThan(at("psql"));
});

it("starts only what is on this host", async () => {
  await release({ database: "external" });
  await dockerWith("open-webui");
  const { asked } = await takeBackFrom("setting-aside");
  expect(asked.filter((line) => line.startsWith("compose")).map((line) => line.slice(-7))).toEqual([
    " valkey",
  ]);
});

it("says what does not run, and stays unfinished", async () => {
  await release();
  await docker("[ $1 != compose ] || { echo 'postgres is unhealthy' >&2; exit 1; }");
  await expect(takeBackFrom("changing")).rejects.toThrow(
    /needs postgres and valkey[\s\S]*postgres is unhealthy[\s\S]*fix: docker logs aihub-postgres-1/,
  );
  const { unfinished } = await import("../../../recovery/operation.ts");
  expect(await unfinished()).toMatchObject({ step: "changing" });
});

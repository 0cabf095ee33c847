/** Services that stand still while their data change, and start again. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../hub/user-error.ts";
import { run } from "../run.ts";
import { containerOf, PROJECT } from "../services.ts";

/** Longer than what any of them needs to end well. */
const GRACE_SECONDS = 40;
const PATIENCE_MS = 120_000;

/** What keeps standing during a restore: the front door says "one moment", the databases are worked on. */
const staying = ["nginx", "postgres", "valkey"];

/** Stops all services that write, or the named ones. */
export async function stopServices(only?: readonly string[]): Promise<void> {
  const listed = await run("docker", [
    ...["ps", "--no-trunc", "--filter", PROJECT],
    ...["--format", '{{.ID}} {{.Label "com.docker.compose.service"}}'],
  ]);
  const ids = listed
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, service = ""]) => (only ? only.includes(service) : !staying.includes(service)))
    .flatMap(([id]) => id || []);
  if (ids.length > 0) await run("docker", ["stop", "--time", String(GRACE_SECONDS), ...ids]);
}

/** Starts a service's container if it stands still, and waits until it is healthy. @throws UserError */
export async function startService(service: string): Promise<void> {
  const id = await containerOf(service, true);
  if (id === undefined) {
    throw new UserError(
      `The host has no container of ${service} yet.\n  fix: npm start makes it, then aihub-recovery resume on the host goes on`,
    );
  }
  await run("docker", ["start", id]);
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const state = await run("docker", ["inspect", "--format", "{{.State.Health.Status}}", id]);
    if (state.trim() === "healthy") return;
    if (Date.now() > end) {
      throw new UserError(
        `${service} does not get healthy.\n  fix: docker logs aihub-${service}-1 on the host says why; then aihub-recovery resume goes on`,
      );
    }
    await sleep(500);
  }
}

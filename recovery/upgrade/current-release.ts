/** The release that was last taken, as the way back from an upgrade starts it. */
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../hub/user-error.ts";
import { CURRENT, ROOT } from "../place.ts";
import { run } from "../run.ts";
import type { RecoverySettings } from "../settings.ts";

/** What its services were told last. */
const SECRETS = join(ROOT, "secrets/applied.env");

/**
 * Starts what ran before.
 * @returns what does not get healthy of it, in Docker's words; undefined: all does, or nothing ever ran here
 */
export async function startCurrent(): Promise<string | undefined> {
  const release = await realpath(CURRENT);
  const change = join(release, "switch.sh");
  try {
    if (existsSync(change)) await run(change, [release, SECRETS]);
    else await up(release, ["--remove-orphans"]);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Starts what the chat's data lie in, where it is on this host. Compose replaces the chat together with what it needs: where the
 * arriving release has another PostgreSQL or Valkey, that one is there by now, and may not run. One that runs as the release
 * before has it is left alone.
 * @throws UserError: it does not get healthy
 */
export async function startDataOfCurrent(
  settings: Pick<RecoverySettings, "database" | "cache">,
): Promise<void> {
  const services = [
    ...(settings.database === "embedded" ? ["postgres"] : []),
    ...(settings.cache === "embedded" ? ["valkey"] : []),
  ];
  if (services.length === 0) return;
  try {
    await up(await realpath(CURRENT), services);
  } catch (error) {
    throw new UserError(
      `The version before needs ${services.join(" and ")}, and not all of it gets healthy: ${(error as Error).message}\n` +
        `  fix: docker logs ${services.map((service) => `aihub-${service}-1`).join(" and ")} on the host shows why; the host tries again by itself every two minutes`,
    );
  }
}

async function up(release: string, rest: string[]): Promise<void> {
  await run("docker", [
    ...["compose", "--progress", "quiet", "--project-name", "aihub"],
    ...["--file", join(release, "compose.yaml"), "--env-file", SECRETS],
    ...["up", "--detach", "--wait", "--wait-timeout", "420", ...rest],
  ]);
}

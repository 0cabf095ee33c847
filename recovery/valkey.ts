/** The cache's own client, inside its container. */
import { run } from "./run.ts";
import { containerOf } from "./services.ts";

/** Id of the cache's container. @throws Error when it does not run */
export async function runningCache(): Promise<string> {
  const id = await containerOf("valkey");
  if (id === undefined) throw new Error("the cache does not run");
  return id;
}

/** Runs valkey-cli with these arguments, or with commands on its standard input. @returns what it prints */
export async function valkeyCli(
  container: string,
  args: readonly string[],
  input?: string,
): Promise<string> {
  return run(
    "docker",
    [
      ...["exec", ...(input === undefined ? [] : ["--interactive"]), container, "sh", "-c"],
      // The password is in a file inside; nobody sees it in a list of processes.
      'REDISCLI_AUTH=$(cat /run/secrets/password) exec valkey-cli --no-auth-warning "$@"',
      ...["sh", ...args],
    ],
    input === undefined ? {} : { input },
  );
}

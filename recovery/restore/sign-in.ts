/** Whether the administrator gets in. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../hub/user-error.ts";
import { addressOf } from "../services.ts";

/** The chat counts sign-ins for three minutes. */
const PAUSE_MS = 61_000;
const ATTEMPTS = 4;

/** @returns what a person should know; undefined when all is well @throws UserError when the chat does not answer as it must */
export async function signInAsAdmin(email: string, password: string): Promise<string | undefined> {
  const address = await addressOf("open-webui");
  if (address === undefined) {
    throw new UserError(
      "The chat does not run.\n  fix: docker logs aihub-open-webui-1 on the host says why",
    );
  }
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(`http://${address}:8080/api/v1/auths/signin`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password }),
      signal: AbortSignal.timeout(30_000),
    });
    const { token } = (await answer.json().catch(() => ({}))) as { token?: string };
    if (answer.status === 200) {
      return token
        ? undefined
        : `${email} has a second factor, so the sign-in was not tried to its end`;
    }
    if (answer.status === 429 && attempt < ATTEMPTS) {
      await sleep(PAUSE_MS);
      continue;
    }
    // The set-up job got in, by its key: it leaves a password to the person who changed it in the chat.
    if (answer.status === 400) {
      return `${email} does not get in with the hub's password: it was changed in the chat before the point was made, and is again what it was then`;
    }
    throw new UserError(
      `The chat was brought back, and answers the administrator's sign-in with ${answer.status}.\n  fix: docker logs aihub-open-webui-1 on the host says why`,
    );
  }
}

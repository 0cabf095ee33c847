/** The chat's container, as an upgrade and its way back need it. */
import { UserError } from "../../hub/user-error.ts";
import { run } from "../run.ts";
import { addressOf, containerOf } from "../services.ts";
import { untilReady } from "./check-chat.ts";

/** Milliseconds; what compose waits for as well. */
const READY_MS = 420_000;
/** A start may fail once for want of something else; a migration that fails does so each time. */
const MOST_RESTARTS = 2;

export async function stopChat(): Promise<void> {
  const id = await containerOf("open-webui");
  if (id) await run("docker", ["stop", "--time", "30", id]);
}

/** Whatever version it is: it has no hands on the data any more, and Docker does not start it again. */
export async function removeChat(): Promise<void> {
  const id = await containerOf("open-webui", true);
  if (!id) return;
  await run("docker", ["stop", "--time", "30", id]).catch(() => {});
  await run("docker", ["rm", "--force", id]);
}

export async function chatAddress(): Promise<string> {
  const address = await addressOf("open-webui");
  if (address === undefined) throw new UserError("The chat does not run.");
  return `http://${address}:8080`;
}

/** Waits for the chat that the hub runs. @throws UserError at once when it ends again and again */
export async function untilChatReady(): Promise<void> {
  const id = await containerOf("open-webui", true);
  if (id === undefined) throw new UserError("The chat has no container.");
  // A container that is starting anew has no address for a moment.
  const address = async () => chatAddress().catch(() => "http://127.0.0.1:9");
  await untilReady(address, {
    forMs: READY_MS,
    alive: async () => {
      const state = await run("docker", [
        ...["inspect", "--format", "{{.RestartCount}} {{.State.Status}}", id],
      ]);
      const [restarts = "", status] = state.trim().split(" ");
      if (Number(restarts) >= MOST_RESTARTS) throw new UserError("It ends again and again.");
      if (status === "exited" || status === "dead") throw new UserError("It ended.");
    },
  });
}

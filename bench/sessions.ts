/** Clients of 2025 that come, look and go without a word, the way a chat server does that connects anew all the time. */
import type { Subject } from "./subjects.ts";
import { httpLine } from "./wire.ts";

const AT_ONCE = 8;

export async function openAndDrop(subject: Subject, count: number): Promise<void> {
  const { address } = subject;
  if (!address) throw new Error("only a server on HTTP has sessions");
  let left = count;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) {
        const line = await httpLine({ ...address, sessions: true });
        await line.ask("tools/list", {});
        line.close();
      }
    }),
  );
}

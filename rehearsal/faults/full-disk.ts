/** The volume is filled to its last block, the ones kept for root included, and kept full; then the space is given back. */
import type { Fault } from "./fault.ts";
import type { Stage } from "./stage.ts";

const FILE = "/data/.filled-for-a-rehearsal";

/** `fallocate` for the most, since it costs the machine below nothing; real bytes for the rest. */
export async function keepFull(stage: Stage, seconds: number): Promise<void> {
  await stage.onDroplet(`
    free=$(( $(stat -f -c %f /data) * $(stat -f -c %S /data) ))
    fallocate -l $(( free - 33554432 )) ${FILE}
    for second in $(seq ${seconds}); do
      dd if=/dev/zero of=${FILE} bs=4k oflag=append conv=notrunc 2>/dev/null || true
      sleep 1
    done
    [ "$(stat -f -c %a /data)" = 0 ]`);
}

export async function giveSpaceBack(stage: Stage): Promise<void> {
  await stage.onDroplet(`rm -f ${FILE}`);
}

export const fullDisk: Fault = {
  name: "full-disk",
  what: "Volume full to the last block for 25 s",
  async strike(stage) {
    try {
      await keepFull(stage, 25);
    } finally {
      await giveSpaceBack(stage);
    }
    return { over: Date.now() };
  },
  wants: (attempts) =>
    attempts.some(({ writer, words }) => writer === "mcp" && /disk is full/.test(words))
      ? []
      : ["no MCP answer said that the disk is full"],
};

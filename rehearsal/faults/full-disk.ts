/** The volume is filled to its last block, the ones kept for root included, and kept full; then the space is given back. */
import type { Fault } from "./fault.ts";
import type { Stage } from "./stage.ts";

const FILE = "/data/.filled-for-a-rehearsal";

/** `fallocate` for the most, since it costs the machine below nothing; real bytes for the rest. */
async function keepFull(stage: Stage, seconds: number): Promise<void> {
  await stage.onDroplet(`
    free=$(( $(stat -f -c %f /data) * $(stat -f -c %S /data) ))
    fallocate -l $(( free - 33554432 )) ${FILE}
    for second in $(seq ${seconds}); do
      dd if=/dev/zero of=${FILE} bs=4k oflag=append conv=notrunc 2>/dev/null || true
      sleep 1
    done
    [ "$(stat -f -c %a /data)" = 0 ]`);
}

async function giveSpaceBack(stage: Stage): Promise<void> {
  await stage.onDroplet(`rm -f ${FILE}`);
}

export const fullDisk = (seconds = 25): Fault => ({
  name: "full-disk",
  what: `Volume full to the last block for ${seconds} s`,
  async strike(stage) {
    try {
      await keepFull(stage, seconds);
    } finally {
      await giveSpaceBack(stage);
    }
    return { over: Date.now() };
  },
  wants: (attempts) =>
    attempts.some(({ writer, words }) => writer === "mcp" && /disk is full/.test(words))
      ? []
      : ["no MCP answer said that the disk is full"],
});

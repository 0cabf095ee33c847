/** A driver without containers or disks: records what it was asked, for tests of the API alone. */
import type { DropletDriver, Endpoint } from "./driver.ts";

export interface RecordingDriver extends DropletDriver {
  /** Calls in the order they came, such as ["create", {…spec}], ["shutdown", 100001]. */
  calls: [string, ...unknown[]][];
  /** Rejects the next call of that method with this message. */
  failNext(method: string, message: string): void;
}

/** `backends` says where the ports of each droplet are: by default nothing answers there. */
export function recordingDriver(
  backends: (id: number, port: number) => Endpoint = () => ({ host: "127.0.0.1", port: 9 }),
): RecordingDriver {
  const calls: RecordingDriver["calls"] = [];
  const failures = new Map<string, string>();
  const running = new Set<number>();
  const record = async (method: string, ...args: unknown[]) => {
    calls.push([method, ...structuredClone(args)]);
    const failure = failures.get(method);
    if (failure === undefined) return;
    failures.delete(method);
    throw new Error(failure);
  };
  return {
    calls,
    failNext: (method, message) => void failures.set(method, message),
    create: (spec) => record("create", spec),
    async start(id) {
      await record("start", id);
      running.add(id);
    },
    async shutdown(id) {
      await record("shutdown", id);
      running.delete(id);
    },
    async powerOff(id) {
      await record("powerOff", id);
      running.delete(id);
    },
    resize: (id, to) => record("resize", id, to),
    async destroy(id) {
      await record("destroy", id);
      running.delete(id);
    },
    setVolumes: (id, volumes) =>
      record(
        "setVolumes",
        id,
        volumes.map((volume) => volume.name),
      ),
    createVolume: (volume, fromSnapshot) => record("createVolume", volume, fromSnapshot),
    growVolume: (id, sizeGib) => record("growVolume", id, sizeGib),
    removeVolume: (id) => record("removeVolume", id),
    snapshotVolume: (volume, snapshot) => record("snapshotVolume", volume, snapshot),
    removeSnapshot: (snapshot) => record("removeSnapshot", snapshot),
    backend: async (id, port) => backends(id, port),
    running: async (id) => running.has(id),
    console: async () => "",
    watch: () => () => {},
  };
}

/** The faults, in the order of the table. */
import { bucketAway, bucketSlow } from "./bucket.ts";
import { clockJumps } from "./clock.ts";
import type { Fault } from "./fault.ts";
import { fullDisk } from "./full-disk.ts";
import { kill } from "./kill.ts";
import { lostVolume } from "./lost-volume.ts";
import { powerCut } from "./power-cut.ts";
import { stopped } from "./service-away.ts";
import { slowPostgres, slowValkey } from "./service-slow.ts";

export const allFaults: readonly Fault[] = [
  ...["mcp-server", "open-webui", "postgres", "valkey", "nginx", "hub-server"].map((service) =>
    kill(service),
  ),
  powerCut,
  fullDisk(),
  lostVolume,
  stopped("postgres"),
  slowPostgres,
  stopped("valkey"),
  slowValkey,
  bucketSlow,
  bucketAway,
  clockJumps,
];

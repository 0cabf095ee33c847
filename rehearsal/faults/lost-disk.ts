/**
 * Cuts the volume's file system off from its device: nothing more is written, not even what waits in memory, and the journal is not
 * ended. A droplet of the rehearsal is a container on a kernel that goes on, which would write all of it; without this a power cut
 * would lose nothing. EXT4_IOC_SHUTDOWN, the call by which xfstests plays it; by Python, which each droplet has for cloud-init.
 */
import type { Stage } from "./stage.ts";

const script = `
import fcntl, os, struct
EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2
fcntl.ioctl(os.open("/data", os.O_RDONLY), EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
`;

export async function cutDiskOff(stage: Stage): Promise<void> {
  await stage.onDroplet(`python3 -c '${script}'`);
}

/** What the simulated cloud asks of whatever stands for droplets and disks. */
export { dockerDriver } from "./docker-driver.ts";

export interface DropletSpec {
  id: number;
  /** Becomes the host name. */
  name: string;
  /** Image slug, such as "docker-20-04". */
  image: string;
  userData: string;
  /** Lines for root's authorized_keys, as DigitalOcean hands them over through the metadata. */
  publicKeys: string[];
  memoryMib: number;
  vcpus: number;
  /** Public address, 127.N.1.n. */
  address: string;
  /** TCP ports that must be reachable through `backend`. */
  ports: number[];
}

export interface VolumeSpec {
  id: string;
  name: string;
  sizeGib: number;
  /** "" leaves the disk raw. */
  filesystem: "" | "ext4" | "xfs";
  label: string;
}

export interface AttachedVolume {
  id: string;
  name: string;
  /** First time ever: DigitalOcean's images mount a formatted volume at /mnt/<name with _> then. */
  first: boolean;
}

export interface Endpoint {
  host: string;
  port: number;
}

/** Every method may be called again after a crash in the middle of it, and then ends in the same state. */
export interface DropletDriver {
  /** Makes the droplet and its disk, anew if an earlier try left something; it is off afterwards. */
  create(spec: DropletSpec): Promise<void>;
  /** Powers on; nothing happens when it runs already. */
  start(id: number): Promise<void>;
  /** Power button, then waits for the system to halt; after `graceSeconds` it is cut off. */
  shutdown(id: number, graceSeconds?: number): Promise<void>;
  /** Cuts the power. */
  powerOff(id: number): Promise<void>;
  /** New limits; the droplet is off. */
  resize(id: number, to: { memoryMib: number; vcpus: number }): Promise<void>;
  /** Removes the droplet and its disk; its volumes must be detached. */
  destroy(id: number): Promise<void>;
  /** Makes the attached volumes be exactly these. Fails when a removed one is still in use inside. */
  setVolumes(id: number, volumes: AttachedVolume[]): Promise<void>;
  /** Makes a formatted sparse disk, or a copy of a snapshot; keeps what is there already. */
  createVolume(volume: VolumeSpec, fromSnapshot?: string): Promise<void>;
  growVolume(id: string, sizeGib: number): Promise<void>;
  removeVolume(id: string): Promise<void>;
  snapshotVolume(volume: string, snapshot: string): Promise<void>;
  removeSnapshot(snapshot: string): Promise<void>;
  /** Where a TCP port of the droplet is reached from this machine. */
  backend(id: number, port: number): Promise<Endpoint>;
  /** Is it running? */
  running(id: number): Promise<boolean>;
  /** Last lines of what the system wrote while booting. */
  console(id: number): Promise<string>;
  /**
   * Tells when a droplet went down by itself: "reboot" or "halt" asked from inside.
   * Returns a function that ends the watch.
   */
  watch(onDown: (id: number, why: "reboot" | "halt") => void): () => void;
}

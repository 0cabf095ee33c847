/** Everything the simulated account holds, kept in one JSON file so that a killed daemon forgets nothing. */
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "./faults.ts";
import type { Job } from "./job.ts";

export interface SshKey {
  id: number;
  name: string;
  fingerprint: string;
  public_key: string;
}

export interface BackupPolicy {
  plan: "daily" | "weekly" | "4hourly";
  weekday?: string | undefined;
  hour?: number | undefined;
}

export interface Droplet {
  id: number;
  name: string;
  region: string;
  size: string;
  /** Disk in GB; grows only by a resize with `disk: true`. */
  disk: number;
  image: string;
  status: "new" | "active" | "off";
  created_at: string;
  /** Public address, 127.N.1.n; shown by the API once the droplet is active. */
  address: string;
  private_address: string;
  vpc_uuid: string;
  features: string[];
  backup_policy: BackupPolicy | null;
  user_data: string;
  public_keys: string[];
  tags: string[];
  /** Port 22 stays shut until then: fault "ssh". */
  ssh_opens_at: string | null;
}

export interface Volume {
  id: string;
  name: string;
  description: string;
  region: string;
  size_gigabytes: number;
  filesystem_type: "" | "ext4" | "xfs";
  filesystem_label: string;
  snapshot_id: string | null;
  droplet_id: number | null;
  /** DigitalOcean's images mount a formatted volume at /mnt/<name> the first time only. */
  attached_before: boolean;
  tags: string[];
  created_at: string;
}

export interface Snapshot {
  id: string;
  name: string;
  created_at: string;
  region: string;
  volume_id: string;
  size_gigabytes: number;
  tags: string[];
}

export interface ReservedIp {
  ip: string;
  region: string;
  droplet_id: number | null;
  project_id: string;
}

export interface DomainRecord {
  id: number;
  type: string;
  name: string;
  data: string;
  priority: number | null;
  port: number | null;
  ttl: number;
  weight: number | null;
  flags: number | null;
  tag: string | null;
}

export interface Domain {
  name: string;
  ttl: number;
  records: DomainRecord[];
}

export interface FirewallPeers {
  addresses?: string[] | undefined;
  droplet_ids?: number[] | undefined;
  load_balancer_uids?: string[] | undefined;
  kubernetes_ids?: string[] | undefined;
  tags?: string[] | undefined;
}

export interface InboundRule {
  protocol: "tcp" | "udp" | "icmp";
  /** "22", "8000-9000", or "0" for all. */
  ports: string;
  sources: FirewallPeers;
}

export interface OutboundRule {
  protocol: "tcp" | "udp" | "icmp";
  ports: string;
  destinations: FirewallPeers;
}

export interface Firewall {
  id: string;
  name: string;
  created_at: string;
  inbound_rules: InboundRule[];
  outbound_rules: OutboundRule[];
  droplet_ids: number[];
  tags: string[];
}

export interface Project {
  id: string;
  name: string;
  description: string;
  purpose: string;
  environment: string;
  is_default: boolean;
  created_at: string;
  updated_at: string;
}

export interface Vpc {
  id: string;
  name: string;
  description: string;
  region: string;
  ip_range: string;
  default: boolean;
  created_at: string;
}

export interface AlertPolicy {
  uuid: string;
  type: string;
  description: string;
  compare: string;
  value: number;
  window: string;
  entities: string[];
  tags: string[];
  alerts: { email: string[]; slack: { channel: string; url: string }[] };
  enabled: boolean;
}

export interface UptimeAlert {
  id: string;
  name: string;
  type: string;
  threshold?: number | undefined;
  comparison?: string | undefined;
  period?: string | undefined;
  notifications: { email: string[]; slack: { channel: string; url: string }[] };
}

export interface UptimeCheck {
  id: string;
  name: string;
  type: string;
  target: string;
  regions: string[];
  enabled: boolean;
  alerts: UptimeAlert[];
}

export interface SpacesGrant {
  /** Empty with "fullaccess". */
  bucket: string;
  permission: "read" | "readwrite" | "fullaccess";
}

export interface SpacesKey {
  name: string;
  access_key: string;
  secret_key: string;
  grants: SpacesGrant[];
  created_at: string;
  /** Refused until then: fault "spaces-key". */
  works_at: string;
}

export interface Action {
  id: number;
  status: "in-progress" | "completed" | "errored";
  type: string;
  started_at: string;
  completed_at: string | null;
  resource_id: number | null;
  resource_type: "droplet" | "volume" | "reserved_ip";
  region_slug: string;
  /** What is left to do; enough to do it again after the daemon was killed in the middle. */
  job: Job;
  /** Why it errored; told by GET /_rehearsal/failures, since DigitalOcean's own answer has no room for it. */
  failure: string | null;
  /** Held in progress by a fault until the faults are cleared. */
  stuck: boolean;
}

export interface CloudState {
  version: 1;
  account: { uuid: string; team: string };
  /** Last number given to a droplet, key, action or record. */
  lastId: number;
  /** Last n given in 127.N.1.n and 127.N.2.n: a new droplet gets another address than the one it replaces. */
  lastDropletHost: number;
  lastReservedHost: number;
  keys: SshKey[];
  droplets: Droplet[];
  actions: Action[];
  volumes: Volume[];
  snapshots: Snapshot[];
  reservedIps: ReservedIp[];
  domains: Domain[];
  firewalls: Firewall[];
  tags: string[];
  projects: Project[];
  /** URN of a resource → the project that holds it; those not named are in the default project. */
  projectOf: Record<string, { project: string; assigned_at: string }>;
  vpcs: Vpc[];
  alertPolicies: AlertPolicy[];
  uptimeChecks: UptimeCheck[];
  spacesKeys: SpacesKey[];
  /** Name of a bucket → its lifecycle rules, in the provider's words. */
  bucketLifecycles: Record<string, Record<string, unknown>[]>;
  faults: Fault[];
}

const FILE = "cloud.json";

/** Reads the account of this state directory, or opens a new one with a zone "localhost" and a default project. */
export function loadState(stateDir: string): CloudState {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const file = join(stateDir, FILE);
  if (!existsSync(file)) return newAccount();
  // Accounts from before there were Spaces.
  const since = { spacesKeys: [], bucketLifecycles: {} };
  return { ...since, ...(JSON.parse(readFileSync(file, "utf8")) as CloudState) };
}

/** Replaces the file at once, so that a reader or a kill never meets half of it. It holds user_data and keys: owner only. */
export function saveState(stateDir: string, state: CloudState): void {
  const file = join(stateDir, FILE);
  const next = `${file}.next`;
  writeFileSync(next, JSON.stringify(state, null, 1), { mode: 0o600 });
  chmodSync(next, 0o600);
  renameSync(next, file);
}

function newAccount(): CloudState {
  const now = timestamp();
  return {
    version: 1,
    account: { uuid: randomUUID(), team: randomUUID() },
    lastId: 100_000,
    lastDropletHost: 0,
    lastReservedHost: 0,
    keys: [],
    droplets: [],
    actions: [],
    volumes: [],
    snapshots: [],
    reservedIps: [],
    domains: [
      {
        name: "localhost",
        ttl: 1800,
        records: ["ns1", "ns2", "ns3"].map((host, index) => ({
          id: 10 + index,
          type: "NS",
          name: "@",
          data: `${host}.digitalocean.com`,
          priority: null,
          port: null,
          ttl: 1800,
          weight: null,
          flags: null,
          tag: null,
        })),
      },
    ],
    firewalls: [],
    tags: [],
    projects: [
      {
        id: randomUUID(),
        name: "first-project",
        description: "Update your project information under Settings",
        purpose: "Just trying out DigitalOcean",
        environment: "Development",
        is_default: true,
        created_at: now,
        updated_at: now,
      },
    ],
    projectOf: {},
    vpcs: [],
    alertPolicies: [],
    uptimeChecks: [],
    spacesKeys: [],
    bucketLifecycles: {},
    faults: [],
  };
}

/** Now, as DigitalOcean writes times: whole seconds, UTC. */
export function timestamp(at: Date = new Date()): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

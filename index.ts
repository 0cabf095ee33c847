/** The hub as a program: what to provision, and what to say about it. */
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import { BackupBucket } from "./components/backup-bucket.ts";
import { Certificate } from "./components/certificate.ts";
import { DataVolume, VOLUME_LABEL } from "./components/data-volume.ts";
import { Dns } from "./components/dns.ts";
import { Folder } from "./components/folder.ts";
import { FrontWall } from "./components/front-wall.ts";
import { Host } from "./components/host.ts";
import { HostAccess } from "./components/host-access.ts";
import { livePrice } from "./components/live-price.ts";
import { stackName } from "./components/name.ts";
import { Passwords } from "./components/passwords.ts";
import { Rollout } from "./components/rollout.ts";
import { Watch } from "./components/watch.ts";
import { loadConfig } from "./config/load.ts";
import { requireToken } from "./config/token.ts";
import type { EscrowOutput } from "./escrow/contents.ts";
import { backupPlacesOf, s3Place, sealed } from "./hub/backup-places.ts";
import { monthlyCost } from "./hub/cost.ts";
import { describeHub } from "./hub/hub.ts";
import { sizes } from "./hub/sizes.ts";
import { UserError } from "./hub/user-error.ts";
import { prepareHost } from "./remote/prepare-host.ts";
import { bundleServers } from "./render/bundles.ts";
import { renderRelease } from "./render/release.ts";
import { renderSecretFiles } from "./render/secrets.ts";

/** What it returns are the stack's outputs. */
export default async function aihub(): Promise<Record<string, unknown>> {
  try {
    return await provision();
  } catch (error) {
    if (error instanceof UserError) throw new pulumi.RunError(error.message);
    throw error;
  }
}

async function provision(): Promise<Record<string, unknown>> {
  const config = loadConfig();
  requireToken();
  const hub = describeHub(config);
  const { settings } = hub;
  const name = stackName(settings.project);
  const release = await renderRelease(hub, await bundleServers());

  const tag = new digitalocean.Tag("tag", { name });
  const access = new HostAccess("access", { name });
  const vpc = new digitalocean.Vpc("network", { name, region: settings.region });
  const data = new DataVolume("data", {
    name: `${name}-data`,
    region: settings.region,
    sizeGib: settings.volumeSizeGib,
    tags: [tag.name],
  });
  const wall = new FrontWall("wall", { name, tag: tag.name, adminCidrs: settings.adminCidrs });
  const host = new Host(
    "host",
    {
      name,
      region: settings.region,
      size: settings.size,
      image: settings.image,
      generation: settings.hostGeneration,
      tags: [tag.name],
      vpcId: vpc.id,
      volumeId: data.volume.id,
      access,
    },
    // Made first, the wall stands before the host does.
    { dependsOn: [wall] },
  );
  const { ipAddress } = host.address;
  if (settings.dns === "digitalocean") {
    new Dns("dns", { zone: settings.domain, subdomain: settings.subdomain, address: ipAddress });
  }

  const { databaseUrl, redisUrl, modelApiKey, tlsCertificate, tlsPrivateKey, recovered } =
    config.secrets;
  const passwords = new Passwords("passwords", { recovered });
  const certificate =
    settings.tlsMode !== "provided"
      ? // With acme: what nginx serves until the first real one is there.
        new Certificate("certificate", { hostName: hub.hostName })
      : undefined;
  const bucket =
    settings.backup.to === "spaces"
      ? new BackupBucket("backups", { name, region: settings.region })
      : undefined;
  const given = backupPlacesOf(settings, config.secrets);
  const places = bucket
    ? pulumi
        .all([bucket.location, bucket.accessKey, bucket.secretKey])
        .apply(([location, accessKey, secretKey]) => ({
          ...given,
          repository: s3Place(location, accessKey, secretKey),
        }))
    : pulumi.secret(given);
  const { backupSshKey, backupGitKey } = config.secrets;
  const secrets = pulumi
    .all([
      passwords.all,
      certificate?.chain ?? pulumi.secret(tlsCertificate ?? ""),
      certificate?.privateKey ?? pulumi.secret(tlsPrivateKey ?? ""),
      places,
    ])
    .apply(([made, chain, key, { repository, copy }]) =>
      renderSecretFiles(hub, {
        ...made,
        tlsCertificate: chain,
        tlsPrivateKey: key,
        ...defined({ databaseUrl, redisUrl, modelApiKey, backupSshKey, backupGitKey }),
        ...defined({ repository, copy }),
      }),
    );
  const escrow = pulumi.all([passwords.all, places]).apply(
    ([made, { repository, copy }]): EscrowOutput => ({
      passwords: made,
      ...defined({
        repository: repository && sealed(repository, made.backupPassword, backupSshKey),
        copy: copy && sealed(copy, made.backupPassword, backupSshKey),
      }),
    }),
  );

  const rollout = new Rollout("rollout", {
    dropletId: host.droplet.id,
    hostAddress: host.droplet.ipv4Address,
    privateKey: access.privateKey,
    hostPublicKey: access.hostPublicKey,
    volumeSize: data.volume.size,
    prepare: await prepareHost({
      volumeName: `${name}-data`,
      volumeLabel: VOLUME_LABEL,
      timezone: settings.timezone,
    }),
    release,
    secrets: pulumi.secret(secrets),
  });

  new Folder("folder", {
    name,
    description: `AI Hub at ${hub.url}`,
    environment: pulumi.getStack() === "prod" ? "Production" : "Development",
    members: [host.droplet.dropletUrn, data.volume.volumeUrn],
  });
  if (settings.alertEmail !== undefined) {
    new Watch("watch", {
      name,
      tag: tag.name,
      email: settings.alertEmail,
      url: hub.url,
      hostName: hub.hostName,
      vcpus: sizes[settings.size]?.vcpus ?? 1,
      publicCertificate: settings.tlsMode !== "internal",
    });
  }

  return {
    url: hub.url,
    mcpUrl: `${hub.url}/mcp`,
    filesUrl: `${hub.url}/files/`,
    codeUrl: `${hub.url}/code/`,
    homeUrl: `${hub.url}/hub/`,
    ipAddress,
    sshCommand: pulumi.interpolate`ssh root@${ipAddress}`,
    sshPrivateKey: access.privateKey,
    sshHostKey: access.hostPublicKey,
    adminEmail: settings.adminEmail,
    adminPassword: pulumi.secret(passwords.adminPassword),
    mcpToken: pulumi.secret(passwords.mcpToken),
    // What `npm run hub -- escrow` seals.
    escrow: pulumi.secret(escrow),
    // Known once it runs: an output that names a release is never ahead of the host.
    release: rollout.applied.id.apply(() => release.digest),
    monthlyCost: monthlyCost(settings, bucket !== undefined, await livePrice(settings.size)),
    ...(certificate && settings.tlsMode === "internal" ? { caCertificate: certificate.ca } : {}),
    ...(settings.dns === "elsewhere"
      ? {
          dnsRecord: pulumi.interpolate`${hub.hostName} A ${ipAddress}`,
        }
      : {}),
  };
}

/** Without what is undefined: an optional property is then missing. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

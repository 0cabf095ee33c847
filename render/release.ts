/**
 * A release: every file the host needs to run the hub, without any secret, named by the digest of its content.
 *
 * Layout: compose.yaml, images.txt, data.tsv, the host's scripts, and store/<name>-<sha12>/ for what services mount. A store
 * folder keeps its path as long as its content is the same, so that a release recreates only the services it changes.
 */
import { createHash } from "node:crypto";
import { stagingServer } from "../config/schema.ts";
import type { Hub } from "../hub/hub.ts";
import { recoveryJob, setupJob, WORKSPACE } from "../hub/services.ts";
import { type ArchiveFile, archive, digestOf, type Files } from "./archive.ts";
import type { Bundles } from "./bundles.ts";
import { renderCompose } from "./compose.ts";
import { recoverySettingsOf } from "./recovery.ts";
import { fill, readTemplate } from "./template.ts";

export interface Release {
  /** 16 hex digits. */
  digest: string;
  /** base64 of the gzipped tar. */
  archive: string;
  /** What is inside, by path. */
  files: Files;
}

/** Where the host keeps everything of the hub but its data. */
export const HOST_FOLDER = "/opt/aihub";

export async function renderRelease(hub: Hub, bundles: Bundles): Promise<Release> {
  const { settings } = hub;
  const values = {
    hostName: hub.hostName,
    url: hub.url,
    adminEmail: settings.adminEmail,
    timezone: settings.timezone,
    uploadLimitMib: String(settings.uploadLimitMib),
    workspace: WORKSPACE,
    modelApiUrl: settings.modelApiUrl ?? "",
    access: Object.entries(settings.access)
      .map(([door, audience]) => `${door}=${audience}`)
      .join(","),
    readers: settings.readers.join(","),
    toolsFor: settings.access.tools,
    filesAssets: filesAssets(settings.images.files),
    chatServerTools: settings.chatServerTools,
    chatServerUrl: settings.chatServerTools === "off" ? "" : "http://open-webui:8080",
    mcpTokenScopes:
      settings.chatServerTools === "code" ? "read,write,delete,self-modify" : "read,write,delete",
    openaiApi: String(settings.modelApiUrl !== undefined),
    tlsMode: settings.tlsMode,
    acmeServer: settings.tlsMode === "acme" ? settings.acmeServer : "",
    acmeStagingServer: stagingServer(settings) ?? "",
    acmeResolver: settings.acmeResolver ?? "",
    // Nobody can trust a name for a year on behalf of a certificate that browsers do not know.
    knownToBrowsers: settings.acmeCa === undefined ? "yes" : "no",
    ...prefixed("images", { ...settings.images }),
  };
  const text = async (path: string): Promise<ArchiveFile> => ({
    content: fill(await readTemplate(path), values),
  });

  const stores: Record<string, Files> = {
    nginx: {
      "nginx.conf": await text("nginx/nginx.conf"),
      "serve.sh": await text("nginx/serve.sh"),
      "proxy-headers.conf": await text("nginx/proxy-headers.conf"),
      "chat.conf": await text("nginx/chat.conf"),
      "gate.conf": await text("nginx/gate.conf"),
      "person.conf": await text("nginx/person.conf"),
      "oauth.conf": await text("nginx/oauth.conf"),
      "pages/closed.html": await text("nginx/pages/closed.html"),
      "pages/refused.html": await text("nginx/pages/refused.html"),
      "pages/away.html": await text("nginx/pages/away.html"),
      "pages/unavailable.html": await text("nginx/pages/unavailable.html"),
    },
    "open-webui": { "open-webui.env": await text("open-webui.env") },
    certbot: {
      "loop.sh": await text("certbot/loop.sh"),
      "acme-ca.pem": { content: settings.acmeCa ?? "" },
    },
    [setupJob.name]: { "setup.mjs": { content: bundles.setup } },
  };
  const contexts: Record<string, Files> = {
    "mcp-server": {
      Dockerfile: await text("images/mcp-server/Dockerfile"),
      "main.mjs": { content: bundles.mcpServer },
    },
    "hub-server": {
      Dockerfile: await text("images/hub-server/Dockerfile"),
      "main.mjs": { content: bundles.hubServer },
    },
    files: { Dockerfile: await text("images/files/Dockerfile") },
  };
  // What a built image is made from names it: same inputs, same tag, no rebuild.
  const bases: Record<string, Record<string, string>> = {
    "mcp-server": { NODE_IMAGE: settings.images.node },
    "hub-server": { NODE_IMAGE: settings.images.node },
    files: { NODE_IMAGE: settings.images.node, FILES_IMAGE: settings.images.files },
  };
  const built = Object.fromEntries(
    Object.entries(contexts).map(([name, files]) => {
      const inputs = { ...files, "\0bases": { content: JSON.stringify(bases[name]) } };
      return [name, `aihub/${name}:${digestOf(inputs).slice(0, 12)}`];
    }),
  );
  const storePaths = Object.fromEntries(
    Object.entries(stores).map(([name, files]) => [
      name,
      `${name}-${digestOf(files).slice(0, 12)}`,
    ]),
  );

  const compose = renderCompose(hub, await readTemplate("compose.yaml"), {
    ...values,
    ...prefixed("built", built),
    ...prefixed(
      "store",
      Object.fromEntries(
        Object.entries(storePaths).map(([name, path]) => [name, `${HOST_FOLDER}/store/${path}`]),
      ),
    ),
  });

  const files: Files = {
    "compose.yaml": { content: compose },
    "apply.sh": { content: await readTemplate("host/apply.sh"), mode: "0755" },
    "switch.sh": { content: await readTemplate("host/switch.sh"), mode: "0755" },
    "stand-in.sh": { content: await readTemplate("host/stand-in.sh"), mode: "0755" },
    "resume.sh": { content: await readTemplate("host/resume.sh"), mode: "0755" },
    "prune.sh": { content: await readTemplate("host/prune.sh"), mode: "0755" },
    "record-release.sh": { content: await readTemplate("host/record-release.sh"), mode: "0755" },
    "report.sh": { content: await readTemplate("host/report.sh"), mode: "0755" },
    "recovery/main.mjs": { content: bundles.recovery },
    "recovery/settings.json": { content: `${JSON.stringify(recoverySettingsOf(hub), null, 2)}\n` },
    "recovery/tools.tsv": {
      content: lines([
        ["node", "/usr/local/bin/node", settings.images.node].join("\t"),
        ["restic", "/usr/bin/restic", settings.images.restic].join("\t"),
      ]),
    },
    "recovery/install.sh": {
      content: await readTemplate("host/install-recovery.sh"),
      mode: "0755",
    },
    "images.txt": { content: lines([...new Set(pulled(hub))]) },
    "builds.tsv": {
      content: lines(
        Object.entries(built).map(([name, tag]) =>
          [
            name,
            tag,
            ...Object.entries(bases[name] ?? {}).map(([key, value]) => `${key}=${value}`),
          ].join("\t"),
        ),
      ),
    },
    "data.tsv": {
      content: lines(
        [
          ...hub.services.flatMap((service) => service.data),
          ...setupJob.data,
          ...recoveryJob.data,
        ].map((folder) => [folder.path, `${folder.uid}:${folder.gid}`, folder.mode].join("\t")),
      ),
    },
    "probe.env": { content: `HOST_NAME=${hub.hostName}\n` },
  };
  for (const [name, content] of Object.entries(stores))
    addFolder(files, `store/${storePaths[name]}`, content);
  for (const [name, content] of Object.entries(contexts))
    addFolder(files, `images/${name}`, content);
  files["manifest.sha256"] = {
    content: lines(Object.entries(files).map(([path, file]) => `${sha256(file.content)}  ${path}`)),
  };
  return { digest: digestOf(files), archive: await archive(files), files };
}

/** Where the file manager keeps its own page's scripts; of an image that names no version, anywhere below its path. */
function filesAssets(image: string): string {
  const version = /:v?(\d+\.\d+\.\d+)/.exec(image)?.[1];
  return version === undefined ? "" : `__dufs_v${version}__/`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Images that come from a registry, as opposed to being built on the host. */
function pulled(hub: Hub): string[] {
  return [
    ...hub.services.map((service) => hub.settings.images[service.image]),
    hub.settings.images.node,
    hub.settings.images.restic,
  ];
}

function addFolder(files: Files, folder: string, content: Files): void {
  for (const [path, file] of Object.entries(content)) files[`${folder}/${path}`] = file;
}

function prefixed(prefix: string, values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]),
  );
}

function lines(values: string[]): string {
  return values.map((value) => `${value}\n`).join("");
}

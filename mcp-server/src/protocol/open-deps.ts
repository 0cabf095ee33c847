/** Opens what every way of calling a tool shares, and closes it in the right order. */
import { Audit } from "../access/audit.ts";
import { auditFolderOf } from "../access/state-place.ts";
import { type Metrics, uncounted } from "../http/metrics.ts";
import { OpenWebui, type OpenWebuiSettings } from "../open-webui/open-webui.ts";
import { openWebuiTools } from "../open-webui/tools/index.ts";
import { Walks } from "../search/walks.ts";
import { tools } from "../tools/index.ts";
import type { Tool } from "../tools/tool.ts";
import { Workspace, type WorkspaceOptions } from "../workspace/workspace.ts";
import type { Deps } from "./deps.ts";

export interface DepsSettings {
  /** Folder that the tools work in. */
  workspace: string;
  /** Folder for tokens and audit log; default `.aihub` in the workspace. */
  state?: string;
  /** How long history and trash are kept. */
  retention?: WorkspaceOptions["retention"];
  /** Changes each time the workspace's disk is mounted. */
  mountedFile?: string;
  /** The chat server that tools may extend; missing: there are no such tools. */
  openWebui?: OpenWebuiSettings;
}

export interface OpenDeps {
  deps: Deps;
  close(): Promise<void>;
}

/** Throws an Error for people when the workspace cannot be used. */
export async function openDeps(
  settings: DepsSettings,
  metrics: Metrics = uncounted,
  moreTools: readonly Tool[] = [],
): Promise<OpenDeps> {
  const workspace = await Workspace.open(settings.workspace, {
    ...(settings.retention && { retention: settings.retention }),
    ...(settings.mountedFile && { mountedFile: settings.mountedFile }),
  });
  if (!workspace.files.racefree) {
    process.stderr.write(
      "WARNING: this system has no /proc. Links are looked for before a path is used, so another process that swaps a folder for a link at the right moment gets around it. Run the server on Linux where others write the workspace.\n",
    );
  }
  const walks = new Walks(workspace.root);
  const audit = new Audit(auditFolderOf({ ...settings, workspace: workspace.root }));
  const deps: Deps = {
    workspace,
    walks,
    audit,
    metrics,
    tools: [...tools, ...(settings.openWebui ? openWebuiTools : []), ...moreTools],
    ...(settings.openWebui && { openWebui: new OpenWebui(settings.openWebui) }),
  };
  return {
    deps,
    async close() {
      await walks.close();
      await workspace.close();
      audit.close();
    },
  };
}

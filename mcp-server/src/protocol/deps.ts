/** What every way of calling a tool shares: one of each per process. */
import type { Audit } from "../access/audit.ts";
import type { Metrics } from "../http/metrics.ts";
import type { OpenWebui } from "../open-webui/open-webui.ts";
import type { Walks } from "../search/walks.ts";
import type { Tool } from "../tools/tool.ts";
import type { Workspace } from "../workspace/workspace.ts";

export interface Deps {
  workspace: Workspace;
  walks: Walks;
  /** In the order of tools/list. */
  tools: readonly Tool[];
  audit: Audit;
  metrics: Metrics;
  /** Missing where no API key is configured. */
  openWebui?: OpenWebui;
}

/** A workspace in a folder of its own, with a folder beside it that nothing may reach. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Caller } from "../../src/access/caller.ts";
import { Walks } from "../../src/search/walks.ts";
import { Workspace, type WorkspaceOptions } from "../../src/workspace/workspace.ts";

export interface Opened {
  folder: string;
  outside: string;
  workspace: Workspace;
  walks: Walks;
  /** Absolute path of something in the workspace. */
  at(path: string): string;
  /** Everything in the workspace but what the server keeps, sorted. */
  tree(): string[];
  /** Closes and opens again. */
  reopen(options?: WorkspaceOptions): Promise<Workspace>;
  remove(): Promise<void>;
}

export async function openWorkspace(options?: WorkspaceOptions): Promise<Opened> {
  const base = mkdtempSync(join(tmpdir(), "aihub-workspace-"));
  const [folder, outside] = [join(base, "workspace"), join(base, "outside")];
  for (const one of [folder, outside]) mkdirSync(one);
  mkdirSync(join(folder, "blog"));
  const opened: Opened = {
    folder,
    outside,
    workspace: await Workspace.open(folder, options),
    walks: new Walks(folder),
    at: (path) => join(folder, path),
    tree: () =>
      (readdirSync(folder, { recursive: true }) as string[])
        .filter((name) => !name.startsWith(".aihub"))
        .sort(),
    async reopen(again = options) {
      await opened.workspace.close();
      opened.workspace = await Workspace.open(folder, again);
      return opened.workspace;
    },
    async remove() {
      await opened.walks.close();
      await opened.workspace.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
  return opened;
}

export function caller(labels: Partial<Caller> = {}): Caller {
  return {
    token: "tests",
    scopes: new Set(["read", "write", "delete"] as const),
    projects: "all",
    ...labels,
  };
}

/** Writes a file the way a tool does. */
export function write(
  workspace: Workspace,
  path: string,
  text: string,
  labels: Partial<Caller> = {},
): Promise<{ result: { created: boolean; etag: string }; id?: string }> {
  return workspace.change({ tool: "write_code", caller: caller(labels) }, [path], (change) =>
    change.write(path, Buffer.from(text), { parents: true }),
  );
}

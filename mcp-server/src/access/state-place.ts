/** Where the server keeps what is its own. */
import { join } from "node:path";
import { STATE } from "../workspace/paths.ts";

export interface StatePlace {
  /** Folder that the tools work in. */
  workspace?: string;
  /** Folder for tokens and audit log; default in the workspace, where no tool reaches it. */
  state?: string;
  /** Token file; default `tokens.json` in the state folder. */
  tokensFile?: string;
}

/** The token file. Throws an Error for people when nothing says where it is. */
export function tokenFileOf({ tokensFile, ...place }: StatePlace): string {
  return tokensFile ?? join(stateFolderOf(place), "tokens.json");
}

/** The folder of the audit log. */
export function auditFolderOf(place: StatePlace): string {
  return join(stateFolderOf(place), "audit");
}

function stateFolderOf({ workspace, state }: StatePlace): string {
  if (state !== undefined) return state;
  if (workspace !== undefined) return join(workspace, STATE);
  throw new Error("No workspace given. Name the folder: --workspace DIR or WORKSPACE.");
}

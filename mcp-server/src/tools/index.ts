/** All tools of the workspace, in the order in which clients see them. */
import { applyPatch } from "./apply_patch.ts";
import { copy } from "./copy.ts";
import { createProject } from "./create_project.ts";
import { deleteTool } from "./delete.ts";
import { diffTool } from "./diff.ts";
import { editCode } from "./edit_code.ts";
import { findFiles } from "./find_files.ts";
import { getProject } from "./get_project.ts";
import { historyTool } from "./history.ts";
import { listFiles } from "./list_files.ts";
import { listProjects } from "./list_projects.ts";
import { makeDirectory } from "./make_directory.ts";
import { move } from "./move.ts";
import { readCode } from "./read_code.ts";
import { readMany } from "./read_many.ts";
import { restoreVersion } from "./restore_version.ts";
import { searchCode } from "./search_code.ts";
import { statTool } from "./stat.ts";
import type { Tool } from "./tool.ts";
import { tree } from "./tree.ts";
import { updateProject } from "./update_project.ts";
import { writeCode } from "./write_code.ts";

export const tools: readonly Tool[] = [
  listProjects,
  getProject,
  createProject,
  updateProject,
  listFiles,
  tree,
  statTool,
  readCode,
  readMany,
  findFiles,
  searchCode,
  writeCode,
  editCode,
  applyPatch,
  makeDirectory,
  move,
  copy,
  deleteTool,
  historyTool,
  diffTool,
  restoreVersion,
] as unknown as readonly Tool[];

/** All tools, in the order they are listed. */
import { createDirectory } from "./create_directory.ts";
import { deleteFile } from "./delete_file.ts";
import { editFile } from "./edit_file.ts";
import { fileInfo } from "./file_info.ts";
import { listDirectory } from "./list_directory.ts";
import { moveFile } from "./move_file.ts";
import { readFile } from "./read_file.ts";
import { searchFiles } from "./search_files.ts";
import { writeFile } from "./write_file.ts";

export const tools = [
  createDirectory,
  deleteFile,
  editFile,
  fileInfo,
  listDirectory,
  moveFile,
  readFile,
  searchFiles,
  writeFile,
] as const;

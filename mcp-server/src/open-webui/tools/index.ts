/** The tools by which a model extends the chat server it runs in, in the order in which clients see them. */
import type { Tool } from "../../tools/tool.ts";
import { createChat } from "./create_chat.ts";
import { createFunction } from "./create_function.ts";
import { createTool } from "./create_tool.ts";
import { getHealth } from "./get_health.ts";
import { listChats } from "./list_chats.ts";
import { listFunctions } from "./list_functions.ts";
import { listModels } from "./list_models.ts";
import { listTools } from "./list_tools.ts";
import { toggleFunction } from "./toggle_function.ts";

const all = [
  getHealth,
  listModels,
  listChats,
  createChat,
  listFunctions,
  createFunction,
  toggleFunction,
  listTools,
  createTool,
] as unknown as readonly Tool[];

/** One account stands behind all of them, with the chats and code of every project. */
export const openWebuiTools: readonly Tool[] = all.map((one) => ({ ...one, beyondProjects: true }));

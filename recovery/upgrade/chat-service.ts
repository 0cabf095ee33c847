/** The chat's service as a release describes it, everything filled in. Its environment holds secrets. */
import { join } from "node:path";
import { z } from "zod";
import { run } from "../run.ts";

const config = z.object({
  services: z.object({
    "open-webui": z.object({
      image: z.string(),
      environment: z.record(z.string(), z.string().nullable()),
      mem_limit: z.coerce.number(),
    }),
  }),
});

export interface ChatService {
  image: string;
  environment: Record<string, string>;
  /** Bytes. */
  memoryLimit: number;
}

export async function chatServiceOf(release: string, secrets: string): Promise<ChatService> {
  const text = await run("docker", [
    ...["compose", "--project-name", "aihub", "--file", join(release, "compose.yaml")],
    ...["--env-file", secrets, "config", "--format", "json"],
  ]);
  const chat = config.parse(JSON.parse(text)).services["open-webui"];
  return {
    image: chat.image,
    environment: Object.fromEntries(
      Object.entries(chat.environment).map(([name, value]) => [name, value ?? ""]),
    ),
    memoryLimit: chat.mem_limit,
  };
}

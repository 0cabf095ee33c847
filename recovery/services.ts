/** The hub's containers, as Docker on this host knows them. */
import { run } from "./run.ts";

/** For `docker ps --filter`. */
export const PROJECT = "label=com.docker.compose.project=aihub";

/** Id of a service's container; undefined when there is none. One that a change lets stand in is not meant. */
export async function containerOf(service: string, all = false): Promise<string | undefined> {
  const found = await run("docker", [
    ...["ps", "--quiet", "--no-trunc", ...(all ? ["--all"] : [])],
    ...["--filter", PROJECT, "--filter", `label=com.docker.compose.service=${service}`],
    ...["--filter", "label=com.docker.compose.oneoff=False"],
  ]);
  return found.trim().split("\n")[0] || undefined;
}

/** Address of a service on the network that all of them share; undefined when it does not run. */
export async function addressOf(service: string): Promise<string | undefined> {
  const id = await containerOf(service);
  if (id === undefined) return undefined;
  const found = await run("docker", [
    "inspect",
    "--format",
    '{{(index .NetworkSettings.Networks "aihub_edge").IPAddress}}',
    id,
  ]);
  return found.trim() || undefined;
}

export interface ServiceImage {
  /** As the compose file names it. */
  reference: string;
  /** Content address, as Docker keeps it. */
  id: string;
}

/** What each service runs, or ran until it was stopped. */
export async function serviceImages(): Promise<Record<string, ServiceImage>> {
  const ids = (
    await run("docker", [
      ...["ps", "--all", "--quiet", "--no-trunc", "--filter", PROJECT],
      ...["--filter", "label=com.docker.compose.oneoff=False"],
    ])
  )
    .trim()
    .split("\n")
    .filter(Boolean);
  if (ids.length === 0) return {};
  const text = await run("docker", [
    "inspect",
    "--format",
    '{{json (index .Config.Labels "com.docker.compose.service")}} {{json .Config.Image}} {{json .Image}}',
    ...ids,
  ]);
  const images: Record<string, ServiceImage> = {};
  for (const line of text.trim().split("\n")) {
    const [service, reference, id] = line.split(" ").map((part) => JSON.parse(part) as string);
    if (service && reference && id) images[service] = { reference, id };
  }
  return images;
}

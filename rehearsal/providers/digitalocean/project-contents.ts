import { type Api, saying } from "./api.ts";

interface Page {
  resources: { urn: string }[] | null;
  links?: { pages?: { next?: string } };
}

/** URNs of everything in a project. */
export async function contentsOf(api: Api, project: string): Promise<string[]> {
  const urns: string[] = [];
  for (let page = 1; ; page++) {
    const answer = await saying(
      "Error loading project resources",
      api.get<Page>(`/v2/projects/${project}/resources?page=${page}&per_page=200`),
    );
    urns.push(...(answer.resources ?? []).map(({ urn }) => urn));
    if (!answer.links?.pages?.next) return urns;
  }
}

export async function moveTo(api: Api, project: string, urns: readonly string[]): Promise<void> {
  const resources = urns.filter((urn) => urn !== "");
  if (resources.length === 0) return;
  await saying(
    "Error assigning resources",
    api.post(`/v2/projects/${project}/resources`, { resources }),
  );
}

/** Things leave a project only by going into another one. */
export async function moveToDefault(api: Api, urns: readonly string[]): Promise<void> {
  if (urns.length === 0) return;
  const { project } = await saying(
    "Error locating default project",
    api.get<{ project: { id: string } }>("/v2/projects/default"),
  );
  await moveTo(api, project.id, urns);
}

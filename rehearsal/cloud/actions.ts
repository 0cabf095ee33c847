/** Actions: what is under way or was done, seen from the account, a droplet, a volume or a reserved IP. */
import { notFound } from "./api-error.ts";
import { regionOf } from "./catalog.ts";
import type { Cloud } from "./cloud.ts";
import { page } from "./page.ts";
import { type Call, type Reply, type Route, route } from "./route.ts";
import type { Action } from "./state.ts";

/** The action as the API shows it. */
export function actionView(action: Action) {
  return {
    id: action.id,
    status: action.status,
    type: action.type,
    started_at: action.started_at,
    completed_at: action.completed_at,
    resource_id: action.resource_id,
    resource_type: action.resource_type,
    region: regionOf(action.region_slug),
    region_slug: action.region_slug,
  };
}

const ofAccount = (cloud: Cloud) => cloud.state.actions;

const ofDroplet = (cloud: Cloud, { params }: Call<unknown>) =>
  cloud.state.actions.filter(
    (action) => action.resource_type === "droplet" && String(action.resource_id) === params.id,
  );

const ofVolume = (cloud: Cloud, { params }: Call<unknown>) =>
  cloud.state.actions.filter(({ job }) => "volume" in job && job.volume === params.id);

const ofReservedIp = (cloud: Cloud, { params }: Call<unknown>) =>
  cloud.state.actions.filter(({ job }) => "ip" in job && job.ip === params.id);

function list(of: (cloud: Cloud, call: Call<unknown>) => Action[]) {
  return (cloud: Cloud, call: Call<unknown>): Reply =>
    page(call, "actions", of(cloud, call).toReversed().map(actionView));
}

function one(of: (cloud: Cloud, call: Call<unknown>) => Action[]) {
  return (cloud: Cloud, call: Call<unknown>): Reply => {
    const found = of(cloud, call).find((action) => String(action.id) === call.params.action);
    if (!found) throw notFound();
    return { status: 200, body: { action: actionView(found) } };
  };
}

export const actionRoutes: Route[] = [
  route("GET", "/v2/actions", list(ofAccount)),
  route("GET", "/v2/actions/:action", one(ofAccount)),
  route("GET", "/v2/droplets/:id/actions", list(ofDroplet)),
  route("GET", "/v2/droplets/:id/actions/:action", one(ofDroplet)),
  route("GET", "/v2/volumes/:id/actions", list(ofVolume)),
  route("GET", "/v2/volumes/:id/actions/:action", one(ofVolume)),
  route("GET", "/v2/reserved_ips/:id/actions", list(ofReservedIp)),
  route("GET", "/v2/reserved_ips/:id/actions/:action", one(ofReservedIp)),
];

/** The account itself and its limits. */
import type { Cloud } from "./cloud.ts";
import { type Route, route } from "./route.ts";

export const DROPLET_LIMIT = 25;
export const RESERVED_IP_LIMIT = 3;
export const VOLUME_LIMIT = 100;

/** UUID that owns projects. */
export const ownerOf = (cloud: Cloud) => cloud.state.account.uuid;

export const accountRoutes: Route[] = [
  route("GET", "/v2/account", ({ state }) => ({
    status: 200,
    body: {
      account: {
        droplet_limit: DROPLET_LIMIT,
        floating_ip_limit: RESERVED_IP_LIMIT,
        reserved_ip_limit: RESERVED_IP_LIMIT,
        volume_limit: VOLUME_LIMIT,
        email: "rehearsal@localhost",
        name: "Rehearsal",
        uuid: state.account.uuid,
        email_verified: true,
        status: "active",
        status_message: "",
        team: { uuid: state.account.team, name: "Rehearsal" },
      },
    },
  })),
];

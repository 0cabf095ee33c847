import { z } from "zod";
import { type Operation, type Resource, UnfinishedObject } from "../resource.ts";
import type { Properties } from "../wire.ts";
import { type Api, ApiRefusal, orGone, saying } from "./api.ts";
import { type Action, waitFor } from "./wait.ts";

const inputs = z.strictObject({
  dropletId: z.int().optional(),
  ipAddress: z.ipv4().optional(),
  region: z.string(),
});
type Inputs = z.infer<typeof inputs>;

interface ApiReservedIp {
  ip: string;
  region: { slug: string };
  droplet: null | { id: number; region: { slug: string } };
}

const ACTION_SECONDS = 60 * 60;
const IDLE_SECONDS = 10 * 60;

export const reservedIp = (api: Api): Resource<Inputs> => {
  const read = async (id: string, dropletId: unknown): Promise<Properties | undefined> => {
    const answer = await saying(
      "Error retrieving reserved IP",
      orGone(api.get<{ reserved_ip: ApiReservedIp }>(`/v2/reserved_ips/${id}`)),
    );
    if (!answer) return undefined;
    const { ip, region, droplet } = answer.reserved_ip;
    // As in the real provider: an address taken from its droplet behind our back is not noticed.
    const seen = typeof dropletId === "number" && droplet;
    return {
      ipAddress: ip,
      region: seen ? droplet.region.slug : region.slug,
      dropletId: seen ? droplet.id : dropletId,
      reservedIpUrn: `do:reservedip:${ip}`,
    };
  };

  /** The first to ask for the droplet's address must not meet an action that still runs on it. */
  const waitForIdle = (dropletId: number, { signal }: Operation) =>
    waitFor(
      `droplet (${dropletId}) to have no action under way`,
      IDLE_SECONDS,
      async () => {
        const { actions } = await api.get<{ actions: Action[] }>(
          `/v2/droplets/${dropletId}/actions?per_page=50`,
        );
        return actions.some(({ status }) => status === "in-progress") ? undefined : true;
      },
      signal,
    );

  const act = async (id: string, type: "assign" | "unassign", dropletId?: number) => {
    const { action } = await api.post<{ action: Action }>(`/v2/reserved_ips/${id}/actions`, {
      type,
      droplet_id: dropletId,
    });
    return action;
  };

  const finish = (id: string, action: Action, { signal }: Operation) =>
    waitFor(
      `reserved IP (${id}) action (${action.id}) to complete`,
      ACTION_SECONDS,
      async () => {
        const answer = await api.get<{ action: Action }>(
          `/v2/reserved_ips/${id}/actions/${action.id}`,
        );
        if (answer.action.status === "errored") throw new Error("unexpected state 'errored'");
        return answer.action.status === "completed" ? true : undefined;
      },
      signal,
    );

  const assign = async (id: string, dropletId: number, operation: Operation) => {
    await saying(
      `Error waiting for droplet (${dropletId}) to be ready for reserved IP assign`,
      waitForIdle(dropletId, operation),
    );
    const action = await saying(
      `Error assigning reserved IP (${id}) to the Droplet`,
      act(id, "assign", dropletId),
    );
    await saying(
      `Error waiting for reserved IP (${id}) to be assigned`,
      finish(id, action, operation),
    );
  };

  return {
    type: "digitalocean:index/reservedIp:ReservedIp",
    inputs,
    replaceOn: ["region"],
    computed: ["ipAddress", "reservedIpUrn"],

    async create({ region, dropletId }, operation) {
      const { reserved_ip } = await saying(
        "Error creating reserved IP",
        api.post<{ reserved_ip: ApiReservedIp }>("/v2/reserved_ips", { region }),
      );
      const id = reserved_ip.ip;
      const planned = { region, ipAddress: id, reservedIpUrn: `do:reservedip:${id}` };
      try {
        if (dropletId !== undefined) await assign(id, dropletId, operation);
        return { id, outputs: (await read(id, dropletId)) ?? { ...planned, dropletId } };
      } catch (error) {
        throw new UnfinishedObject(id, planned, (error as Error).message);
      }
    },

    read: (id, old) => read(id, old.inputs.dropletId ?? old.outputs.dropletId),

    async update(id, { dropletId, ...rest }, old, operation) {
      // Compared with what is true, not with the old inputs: after an unfinished create it was never assigned.
      if (dropletId !== old.outputs.dropletId) {
        if (dropletId !== undefined) await assign(id, dropletId, operation);
        else {
          const action = await saying(`Error unassigning reserved IP (${id})`, act(id, "unassign"));
          await finish(id, action, operation);
        }
      }
      return (await read(id, dropletId)) ?? { ...old.outputs, ...rest, dropletId };
    },

    async delete(id, old, operation) {
      if (old.outputs.dropletId !== undefined) {
        try {
          const action = await act(id, "unassign");
          await finish(id, action, operation);
        } catch (error) {
          // 422: it was not assigned any more.
          if (!(error instanceof ApiRefusal) || error.status !== 422) {
            throw new Error(
              `Error unassigning reserved IP (${id}) from the droplet: ${(error as Error).message}`,
            );
          }
        }
      }
      await saying("Error deleting reserved IP", api.delete(`/v2/reserved_ips/${id}`));
    },
  };
};

/** Droplets, their actions and what hangs on them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type CloudUnderTest, cloudUnderTest, type Json } from "./cloud-under-test.ts";

const KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKVzSBkmnLDdCoFOmFQw5uwTGU+hfTfIvSfKgPcbPyK someone";

let cloud: CloudUnderTest;
beforeAll(async () => {
  cloud = await cloudUnderTest();
});
afterEach(() => cloud.ok("DELETE", "/_rehearsal/faults"));
afterAll(() => cloud.dispose());

const volume = (name: string, more: object = {}) =>
  cloud.ok("POST", "/v2/volumes", {
    name,
    region: "nyc3",
    size_gigabytes: 1,
    filesystem_type: "ext4",
    filesystem_label: "data",
    ...more,
  });

const act = (id: number, type: string, more: object = {}) =>
  cloud.call("POST", `/v2/droplets/${id}/actions`, { type, ...more });

const gone = async (id: number) => {
  while ((await cloud.call("GET", `/v2/droplets/${id}`)).status !== 404) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

describe("an SSH key", () => {
  it("is shown with its MD5 fingerprint and refused a second time", async () => {
    const { ssh_key } = await cloud.ok("POST", "/v2/account/keys", {
      name: "k",
      public_key: KEY,
    });
    expect(ssh_key.fingerprint).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
    const again = await cloud.call("POST", "/v2/account/keys", { name: "l", public_key: KEY });
    expect(again.status).toBe(422);
    expect(again.body.message).toMatch(/already in use/);
    expect((await cloud.ok("GET", `/v2/account/keys/${ssh_key.fingerprint}`)).ssh_key.id).toBe(
      ssh_key.id,
    );
  });

  it("must be one", async () => {
    const answer = await cloud.call("POST", "/v2/account/keys", {
      name: "k",
      public_key: "ssh-rsa nonsense",
    });
    expect(answer.status).toBe(422);
  });
});

describe("a new droplet", () => {
  it("is new and locked first, then active with an address of its own", async () => {
    const made = await cloud.call("POST", "/v2/droplets", {
      name: "hub",
      region: "nyc3",
      size: "s-2vcpu-4gb",
      image: "docker-20-04",
      user_data: "#cloud-config\n{}",
      tags: ["aihub"],
      monitoring: true,
    });
    expect(made.status).toBe(202);
    expect(made.body.droplet).toMatchObject({ status: "new", locked: true });
    expect(made.body.droplet.networks.v4).toEqual([]);
    await cloud.settled(made.body);
    const { droplet } = await cloud.ok("GET", `/v2/droplets/${made.body.droplet.id}`);
    expect(droplet).toMatchObject({
      status: "active",
      locked: false,
      memory: 4096,
      vcpus: 2,
      disk: 80,
      size_slug: "s-2vcpu-4gb",
      region: { slug: "nyc3" },
      image: { slug: "docker-20-04" },
      tags: ["aihub"],
    });
    expect(droplet.features).toContain("monitoring");
    const [v4] = droplet.networks.v4.filter((one: Json) => one.type === "public");
    expect(v4.ip_address).toMatch(/^127\.\d+\.1\.\d+$/);
    expect((await cloud.ok("GET", "/v2/tags/aihub")).tag.resources.droplets.count).toBe(1);
    expect((await cloud.ok("GET", "/v2/droplets?tag_name=aihub")).droplets).toHaveLength(1);
  });

  it("has the keys and volumes it was made with", async () => {
    const { ssh_keys } = await cloud.ok("GET", "/v2/account/keys");
    const { volume: disk } = await volume("with-droplet");
    const droplet = await cloud.droplet({ ssh_keys: [ssh_keys[0].id], volumes: [disk.id] });
    expect(droplet.volume_ids).toEqual([disk.id]);
    const spec = cloud.driver.calls.findLast(([method]) => method === "create")?.[1] as Json;
    expect(spec.publicKeys).toEqual([KEY]);
    expect(cloud.driver.calls).toContainEqual(["setVolumes", droplet.id, ["with-droplet"]]);
    expect((await cloud.ok("GET", `/v2/volumes/${disk.id}`)).volume.droplet_ids).toEqual([
      droplet.id,
    ]);
    const second = await cloud.call("POST", "/v2/droplets", {
      name: "hub",
      region: "nyc3",
      size: "s-2vcpu-4gb",
      image: "docker-20-04",
      volumes: [disk.id],
    });
    expect(second.status).toBe(422);
    expect(second.body.message).toMatch(/already attached/);
  });

  it.each([
    [{ image: "centos-5" }, "You specified an invalid image for Droplet creation."],
    [{ size: "tiny" }, "You specified an invalid size for Droplet creation."],
    [{ region: "moon1" }, "You specified an invalid region for Droplet creation."],
    [{ ssh_keys: [42] }, "42 are invalid key identifiers for Droplet creation."],
    [{ volumes: ["nope"] }, "You specified an invalid volume for Droplet creation."],
    [{ name: "no_such host" }, "Only valid hostname characters are allowed."],
    [{ user_data: "x".repeat(65_537) }, "User data is too large"],
  ])("is refused with %o", async (wrong, message) => {
    const answer = await cloud.call("POST", "/v2/droplets", {
      name: "hub",
      region: "nyc3",
      size: "s-1vcpu-2gb",
      image: "docker-20-04",
      ...wrong,
    });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain(message);
  });

  it("that cannot be made ends as an errored action, and the rehearsal says why", async () => {
    cloud.driver.failNext("create", "no space left on device");
    const made = await cloud.ok("POST", "/v2/droplets", {
      name: "hub",
      region: "nyc3",
      size: "s-1vcpu-2gb",
      image: "docker-20-04",
    });
    expect((await cloud.settled(made)).status).toBe("errored");
    expect(await cloud.ok("GET", "/_rehearsal/failures")).toContainEqual(
      expect.objectContaining({ droplet: made.droplet.id, failure: "no space left on device" }),
    );
    await cloud.ok("DELETE", `/v2/droplets/${made.droplet.id}`);
  });
});

describe("an action", () => {
  it("is in progress first, and completed only with a time", async () => {
    const droplet = await cloud.droplet();
    const answer = await act(droplet.id, "power_off");
    expect(answer.status).toBe(201);
    expect(answer.body.action).toMatchObject({
      status: "in-progress",
      completed_at: null,
      resource_id: droplet.id,
      resource_type: "droplet",
      region_slug: "nyc3",
    });
    const action = await cloud.settled(answer.body);
    expect(action.status).toBe("completed");
    expect(action.completed_at).toMatch(/^\d{4}-.*Z$/);
    expect((await cloud.ok("GET", `/v2/droplets/${droplet.id}`)).droplet.status).toBe("off");
    expect(
      (await cloud.ok("GET", `/v2/droplets/${droplet.id}/actions?per_page=50`)).actions.map(
        (one: Json) => one.type,
      ),
    ).toEqual(["power_off", "create"]);
  });

  it("shutdown asks the system, power_off cuts the power", async () => {
    const droplet = await cloud.droplet();
    await cloud.settled((await act(droplet.id, "shutdown")).body);
    await cloud.settled((await act(droplet.id, "power_on")).body);
    await cloud.settled((await act(droplet.id, "power_off")).body);
    const asked = cloud.driver.calls.filter(([, id]) => id === droplet.id).map(([name]) => name);
    expect(asked).toEqual(["setVolumes", "start", "shutdown", "start", "powerOff"]);
  });

  it("waits for the one before it, in the words that the provider knows", async () => {
    const droplet = await cloud.droplet();
    await cloud.ok("POST", "/_rehearsal/faults", { match: "action:reboot", stuck: true });
    const stuck = await act(droplet.id, "reboot");
    const second = await act(droplet.id, "power_off");
    expect(second.status).toBe(422);
    expect(second.body.message).toBe("Droplet already has a pending event.");
    expect((await cloud.ok("GET", `/v2/droplets/${droplet.id}`)).droplet.locked).toBe(true);
    await cloud.ok("DELETE", "/_rehearsal/faults");
    expect((await cloud.settled(stuck.body)).status).toBe("completed");
  });

  it("goes on after a restart of the daemon", async () => {
    const droplet = await cloud.droplet();
    await cloud.ok("POST", "/_rehearsal/faults", { match: "action:power_off", delayMs: 60_000 });
    const { body } = await act(droplet.id, "power_off");
    await cloud.ok("POST", "/_rehearsal/faults", { match: "action:none", delayMs: 1 });
    await cloud.restart();
    expect((await cloud.ok("GET", `/v2/actions/${body.action.id}`)).action.status).toBe(
      "in-progress",
    );
    await cloud.ok("DELETE", "/_rehearsal/faults");
    expect((await cloud.settled(body)).status).toBe("completed");
  });

  it("resize needs a droplet that is off, and never shrinks a disk", async () => {
    const droplet = await cloud.droplet();
    expect((await act(droplet.id, "resize", { size: "s-4vcpu-8gb" })).status).toBe(422);
    await cloud.settled((await act(droplet.id, "power_off")).body);
    await cloud.settled((await act(droplet.id, "resize", { size: "s-4vcpu-8gb" })).body);
    const resized = (await cloud.ok("GET", `/v2/droplets/${droplet.id}`)).droplet;
    expect(resized).toMatchObject({ size_slug: "s-4vcpu-8gb", memory: 8192, disk: 80 });
    const smaller = await act(droplet.id, "resize", { size: "s-1vcpu-1gb", disk: true });
    expect(smaller.status).toBe(422);
    expect(smaller.body.message).toMatch(/can not decrease size of Droplet's disk image/);
  });
});

describe("a destroyed droplet", () => {
  it("is gone, and leaves its volumes, reserved IP and firewall without it", async () => {
    const { volume: disk } = await volume("survivor");
    const droplet = await cloud.droplet({ volumes: [disk.id] });
    const { reserved_ip } = await cloud.ok("POST", "/v2/reserved_ips", { region: "nyc3" });
    const assign = { type: "assign", droplet_id: droplet.id };
    await cloud.settled(
      await cloud.ok("POST", `/v2/reserved_ips/${reserved_ip.ip}/actions`, assign),
    );
    const { firewall } = await cloud.ok("POST", "/v2/firewalls", {
      name: "of-survivor",
      inbound_rules: [{ protocol: "tcp", ports: "22", sources: { addresses: ["0.0.0.0/0"] } }],
      droplet_ids: [droplet.id],
    });
    expect((await cloud.call("DELETE", `/v2/droplets/${droplet.id}`)).status).toBe(204);
    await gone(droplet.id);
    expect((await cloud.ok("GET", `/v2/volumes/${disk.id}`)).volume.droplet_ids).toEqual([]);
    expect(
      (await cloud.ok("GET", `/v2/reserved_ips/${reserved_ip.ip}`)).reserved_ip.droplet,
    ).toBeNull();
    expect((await cloud.ok("GET", `/v2/firewalls/${firewall.id}`)).firewall.droplet_ids).toEqual(
      [],
    );
    const { calls } = cloud.driver;
    const asked = calls.filter(([, id]) => id === droplet.id).map(([method]) => method);
    expect(asked.slice(-3)).toEqual(["powerOff", "setVolumes", "destroy"]);
    await cloud.ok("DELETE", `/v2/reserved_ips/${reserved_ip.ip}`);
  });

  it("does not give its address to the one that replaces it", async () => {
    const one = await cloud.droplet();
    await cloud.ok("DELETE", `/v2/droplets/${one.id}`);
    await gone(one.id);
    const other = await cloud.droplet();
    expect(other.networks.v4[0].ip_address).not.toBe(one.networks.v4[0].ip_address);
  });
});

describe("a volume", () => {
  it("is not deleted while attached, nor attached twice, and can be moved", async () => {
    const { volume: disk } = await volume("moving");
    const one = await cloud.droplet();
    const other = await cloud.droplet();
    const move = (type: string, droplet_id: number) =>
      cloud.call("POST", `/v2/volumes/${disk.id}/actions`, { type, droplet_id });
    const attached = await move("attach", one.id);
    expect(attached.status).toBe(202);
    await cloud.settled(attached.body);
    const refused = await cloud.call("DELETE", `/v2/volumes/${disk.id}`);
    expect(refused.status).toBe(409);
    expect(refused.body.id).toBe("conflict");
    expect((await move("attach", other.id)).status).toBe(422);
    expect((await move("detach", other.id)).status).toBe(422);
    await cloud.settled((await move("detach", one.id)).body);
    await cloud.settled((await move("attach", other.id)).body);
    await cloud.settled((await move("detach", other.id)).body);
    expect((await cloud.call("DELETE", `/v2/volumes/${disk.id}`)).status).toBe(204);
    expect((await cloud.call("GET", `/v2/volumes/${disk.id}`)).status).toBe(404);
  });

  it("stays where it was when it cannot be unplugged", async () => {
    const { volume: disk } = await volume("busy-inside");
    const droplet = await cloud.droplet({ volumes: [disk.id] });
    cloud.driver.failNext("setVolumes", "still in use");
    const detach = { type: "detach", droplet_id: droplet.id };
    const { body } = await cloud.call("POST", `/v2/volumes/${disk.id}/actions`, detach);
    expect((await cloud.settled(body)).status).toBe("errored");
    expect((await cloud.ok("GET", `/v2/volumes/${disk.id}`)).volume.droplet_ids).toEqual([
      droplet.id,
    ]);
  });

  it("grows and never shrinks", async () => {
    const { volume: disk } = await volume("growing", { size_gigabytes: 2 });
    const resize = (size_gigabytes: number) =>
      cloud.call("POST", `/v2/volumes/${disk.id}/actions`, {
        type: "resize",
        size_gigabytes,
        region: "nyc3",
      });
    expect((await resize(1)).status).toBe(422);
    await cloud.settled((await resize(3)).body);
    expect((await cloud.ok("GET", `/v2/volumes/${disk.id}`)).volume.size_gigabytes).toBe(3);
  });

  it("has one name in a region", async () => {
    await volume("the-one");
    await expect(volume("the-one")).rejects.toThrow(/409/);
    await volume("the-one", { region: "fra1" });
  });

  it("is copied by a snapshot", async () => {
    const { volume: disk } = await volume("source");
    const { snapshot } = await cloud.ok("POST", `/v2/volumes/${disk.id}/snapshots`, {
      name: "s",
    });
    expect(snapshot).toMatchObject({ resource_id: disk.id, resource_type: "volume" });
    const copy = await cloud.ok("POST", "/v2/volumes", {
      name: "copy",
      size_gigabytes: 1,
      snapshot_id: snapshot.id,
    });
    expect(copy.volume.region.slug).toBe("nyc3");
    expect(cloud.driver.calls).toContainEqual([
      "createVolume",
      expect.objectContaining({ id: copy.volume.id }),
      snapshot.id,
    ]);
  });
});

describe("a reserved IP", () => {
  it("moves between droplets, and says so when it is not assigned", async () => {
    const one = await cloud.droplet();
    const other = await cloud.droplet();
    const { reserved_ip } = await cloud.ok("POST", "/v2/reserved_ips", { region: "nyc3" });
    expect(reserved_ip).toMatchObject({ droplet: null, region: { slug: "nyc3" } });
    const path = `/v2/reserved_ips/${reserved_ip.ip}`;
    const ask = (body: object) => cloud.call("POST", `${path}/actions`, body);
    expect((await ask({ type: "unassign" })).status).toBe(422);
    const assigned = await ask({ type: "assign", droplet_id: one.id });
    expect(assigned.status).toBe(201);
    await cloud.settled(assigned.body);
    expect((await ask({ type: "assign", droplet_id: one.id })).status).toBe(422);
    await cloud.settled((await ask({ type: "assign", droplet_id: other.id })).body);
    expect((await cloud.ok("GET", path)).reserved_ip.droplet.id).toBe(other.id);
    await cloud.settled((await ask({ type: "unassign" })).body);
    expect((await cloud.ok("GET", path)).reserved_ip.droplet).toBeNull();
    expect((await cloud.call("DELETE", path)).status).toBe(204);
  });
});

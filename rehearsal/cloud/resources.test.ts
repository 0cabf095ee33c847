/** Firewalls, names, projects, networks and checks: what is kept but has no machine behind it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CloudUnderTest, cloudUnderTest, type Json } from "./cloud-under-test.ts";

let cloud: CloudUnderTest;
beforeAll(async () => {
  cloud = await cloudUnderTest();
});
afterAll(() => cloud.dispose());

describe("a firewall", () => {
  const rules = {
    inbound_rules: [
      { protocol: "tcp", ports: "22", sources: { addresses: ["127.0.0.0/8"] } },
      { protocol: "icmp", sources: { addresses: ["0.0.0.0/0", "::/0"] } },
    ],
    outbound_rules: [
      { protocol: "udp", ports: "all", destinations: { addresses: ["0.0.0.0/0"] } },
      { protocol: "tcp", ports: "1-65535", destinations: { addresses: ["0.0.0.0/0"] } },
    ],
  };

  it("waits, then succeeds, and tells icmp and all ports as 0", async () => {
    await cloud.ok("POST", "/v2/tags", { name: "guarded" });
    const made = await cloud.call("POST", "/v2/firewalls", {
      name: "fw",
      tags: ["guarded"],
      ...rules,
    });
    expect(made.status).toBe(202);
    expect(made.body.firewall.status).toBe("waiting");
    const { firewall } = await cloud.ok("GET", `/v2/firewalls/${made.body.firewall.id}`);
    expect(firewall).toMatchObject({ status: "succeeded", pending_changes: [], tags: ["guarded"] });
    expect(firewall.inbound_rules.map((rule: Json) => rule.ports)).toEqual(["22", "0"]);
    expect(firewall.outbound_rules.map((rule: Json) => rule.ports)).toEqual(["0", "1-65535"]);
    const put = await cloud.ok("PUT", `/v2/firewalls/${firewall.id}`, {
      name: "fw",
      inbound_rules: rules.inbound_rules.slice(0, 1),
      outbound_rules: [],
    });
    expect(put.firewall).toMatchObject({ tags: [], outbound_rules: [] });
  });

  it.each([
    [{ tags: ["no-such-tag"] }, 422, /no-such-tag/],
    [{ droplet_ids: [1] }, 422, /droplet 1/],
    [{ tags: ["a", "b", "c", "d", "e", "f"] }, 422, /5 tags/],
    [{ name: "fw" }, 409, /duplicate name/],
    [{ inbound_rules: [{ protocol: "tcp", sources: {} }] }, 422, /ports/],
    [{ inbound_rules: [{ protocol: "tcp", ports: "0-70000", sources: {} }] }, 422, /0-70000/],
    [
      {
        inbound_rules: [{ protocol: "tcp", ports: "22", sources: { addresses: ["10.0.0.0/33"] } }],
      },
      422,
      /CIDR/,
    ],
  ])("is refused with %o", async (wrong, status, message) => {
    const answer = await cloud.call("POST", "/v2/firewalls", { name: "fw2", ...rules, ...wrong });
    expect(answer.status).toBe(status);
    expect(answer.body.message).toMatch(message);
  });
});

describe("a zone", () => {
  it("named localhost is there, takes records and gives them back", async () => {
    expect((await cloud.ok("GET", "/v2/domains/localhost")).domain.ttl).toBe(1800);
    const path = "/v2/domains/localhost/records";
    const made = await cloud.call("POST", path, { type: "A", name: "aihub", data: "127.9.2.1" });
    expect(made.status).toBe(201);
    const record = made.body.domain_record;
    expect(record).toEqual({
      id: expect.any(Number),
      type: "A",
      name: "aihub",
      data: "127.9.2.1",
      priority: null,
      port: null,
      ttl: 1800,
      weight: null,
      flags: null,
      tag: null,
    });
    await cloud.ok("PUT", `${path}/${record.id}`, { type: "A", data: "127.9.2.2", ttl: 60 });
    const listed = await cloud.ok("GET", `${path}?type=A&name=aihub.localhost`);
    expect(listed.domain_records).toEqual([{ ...record, data: "127.9.2.2", ttl: 60 }]);
    expect((await cloud.call("DELETE", `${path}/${record.id}`)).status).toBe(204);
    expect((await cloud.call("GET", `${path}/${record.id}`)).status).toBe(404);
  });

  it("refuses data that does not fit the type", async () => {
    const path = "/v2/domains/localhost/records";
    expect((await cloud.call("POST", path, { type: "A", name: "x", data: "x" })).status).toBe(422);
    const cname = await cloud.call("POST", path, { type: "CNAME", name: "x", data: "a.b" });
    expect(cname.body.message).toMatch(/end with a dot/);
  });

  it("that is not there is a 404", async () => {
    expect((await cloud.call("GET", "/v2/domains/example.org")).status).toBe(404);
  });
});

describe("a project", () => {
  it("holds what is put into it, and goes only when empty", async () => {
    const { project } = await cloud.ok("POST", "/v2/projects", {
      name: "Hub",
      purpose: "A team's own hub",
      environment: "Production",
    });
    expect(project.purpose).toBe("Other: A team's own hub");
    const droplet = await cloud.droplet();
    const urn = `do:droplet:${droplet.id}`;
    const path = `/v2/projects/${project.id}`;
    const put = await cloud.ok("POST", `${path}/resources`, { resources: [urn] });
    expect(put.resources[0]).toMatchObject({ urn, status: "assigned" });
    const goneUrn = "do:droplet:1";
    const gone = await cloud.ok("POST", `${path}/resources`, { resources: [goneUrn] });
    expect(gone.resources[0]).toMatchObject({ urn: goneUrn, status: "not_found" });
    const listed = await cloud.ok("GET", `${path}/resources`);
    expect(listed.resources).toEqual([
      expect.objectContaining({ urn, status: "ok", links: { self: expect.any(String) } }),
    ]);
    const refused = await cloud.call("DELETE", path);
    expect(refused.status).toBe(412);
    expect(refused.body.message).toContain("cannot delete a project with resources");
    const { project: fallback } = await cloud.ok("GET", "/v2/projects/default");
    await cloud.ok("POST", `/v2/projects/${fallback.id}/resources`, { resources: [urn] });
    expect((await cloud.call("DELETE", path)).status).toBe(204);
  });

  it("shows a reserved IP of one of its droplets as a floating IP, which cannot be moved", async () => {
    const droplet = await cloud.droplet();
    const { reserved_ip } = await cloud.ok("POST", "/v2/reserved_ips", { region: "nyc3" });
    await cloud.settled(
      await cloud.ok("POST", `/v2/reserved_ips/${reserved_ip.ip}/actions`, {
        type: "assign",
        droplet_id: droplet.id,
      }),
    );
    const { resources } = await cloud.ok("GET", "/v2/projects/default/resources?per_page=200");
    expect(resources.map((one: Json) => one.urn)).toContain(`do:floatingip:${reserved_ip.ip}`);
    const moved = await cloud.call("POST", "/v2/projects/default/resources", {
      resources: [`do:reservedip:${reserved_ip.ip}`],
    });
    expect(moved.status).toBe(412);
  });
});

describe("a private network", () => {
  it("goes only when nothing is in it", async () => {
    const { vpc } = await cloud.ok("POST", "/v2/vpcs", {
      name: "hub",
      region: "nyc3",
      ip_range: "10.77.0.0/20",
    });
    const droplet = await cloud.droplet({ vpc_uuid: vpc.id });
    expect(droplet.networks.v4[1]).toMatchObject({ type: "private" });
    expect(droplet.networks.v4[1].ip_address).toMatch(/^10\.77\.0\./);
    expect((await cloud.call("DELETE", `/v2/vpcs/${vpc.id}`)).status).toBe(409);
    await cloud.ok("DELETE", `/v2/droplets/${droplet.id}`);
    while ((await cloud.call("GET", `/v2/droplets/${droplet.id}`)).status !== 404);
    expect((await cloud.call("DELETE", `/v2/vpcs/${vpc.id}`)).status).toBe(204);
  });

  it("does not overlap another", async () => {
    await cloud.ok("POST", "/v2/vpcs", { name: "a", region: "nyc3", ip_range: "10.9.0.0/16" });
    const other = { name: "b", region: "nyc3", ip_range: "10.9.8.0/24" };
    expect((await cloud.call("POST", "/v2/vpcs", other)).status).toBe(422);
  });
});

describe("alerts", () => {
  it("are kept as given and refuse a type that is not one", async () => {
    const policy = {
      type: "v1/insights/droplet/cpu",
      description: "busy",
      compare: "GreaterThan",
      value: 90,
      window: "10m",
      entities: [],
      tags: ["guarded"],
      alerts: { email: ["team@example.org"], slack: [] },
      enabled: true,
    };
    const made = await cloud.ok("POST", "/v2/monitoring/alerts", policy);
    expect(made.policy).toEqual({ uuid: expect.any(String), ...policy });
    const path = `/v2/monitoring/alerts/${made.policy.uuid}`;
    await cloud.ok("PUT", path, { ...policy, value: 80 });
    expect((await cloud.ok("GET", path)).policy.value).toBe(80);
    const wrong = await cloud.call("POST", "/v2/monitoring/alerts", {
      ...policy,
      type: "v1/insights/droplet/happiness",
    });
    expect(wrong.status).toBe(422);
    expect((await cloud.call("DELETE", path)).status).toBe(204);
  });

  it("of an uptime check go with it", async () => {
    const { check } = await cloud.ok("POST", "/v2/uptime/checks", {
      name: "hub",
      type: "https",
      target: "https://aihub.localhost/",
      regions: ["us_east"],
      enabled: true,
    });
    const path = `/v2/uptime/checks/${check.id}`;
    const { alert } = await cloud.ok("POST", `${path}/alerts`, {
      name: "certificate",
      type: "ssl_expiry",
      threshold: 14,
      comparison: "less_than",
      notifications: { email: ["team@example.org"] },
    });
    expect((await cloud.ok("GET", `${path}/alerts/${alert.id}`)).alert).toMatchObject({
      type: "ssl_expiry",
      notifications: { email: ["team@example.org"], slack: [] },
    });
    expect((await cloud.call("DELETE", path)).status).toBe(204);
    expect((await cloud.call("GET", `${path}/alerts/${alert.id}`)).status).toBe(404);
  });
});

import { describe, expect, it } from "vitest";
import { parseConfig } from "../../config/parse.ts";
import { monthlyCost } from "../../hub/cost.ts";
import { describeHub } from "../../hub/hub.ts";

const sound = {
  domain: "example.com",
  adminEmail: "admin@example.com",
  adminCidrs: '["203.0.113.7/32"]',
};
const names = (raw: Record<string, string>) =>
  describeHub(parseConfig(raw)).services.map((service) => service.name);

describe("the hub", () => {
  it("answers to the subdomain, or to the bare domain", () => {
    expect(describeHub(parseConfig(sound)).url).toBe("https://aihub.example.com");
    expect(describeHub(parseConfig({ ...sound, subdomain: "" })).url).toBe("https://example.com");
  });

  it("runs its own database and cache unless it is given others", () => {
    expect(names(sound)).toEqual([
      "nginx",
      "hub-server",
      "open-webui",
      "mcp-server",
      "files",
      "code-server",
      "postgres",
      "valkey",
    ]);
    const external = names({
      ...sound,
      databaseUrl: "postgresql://u:p@h:5432/d",
      redisUrl: "rediss://u:p@h:25061",
    });
    expect(external).not.toContain("postgres");
    expect(external).not.toContain("valkey");
  });
});

describe("the monthly cost", () => {
  it("adds up, and says where each price is from", () => {
    const cost = monthlyCost({ size: "s-2vcpu-4gb", volumeSizeGib: 50 }, false);
    expect(cost).toMatchObject({ currency: "USD", total: 29 });
    expect(cost.asOf).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(cost.items.reduce((sum, item) => sum + item.monthly, 0)).toBe(cost.total);
  });

  it("takes the live price of the droplet where there is one", () => {
    const cost = monthlyCost({ size: "s-2vcpu-4gb", volumeSizeGib: 50 }, false, 28);
    expect(cost.total).toBe(33);
    expect(cost.items[0]?.source).toBe("live sizes list");
  });

  it("counts object storage where the backups go there", () => {
    const cost = monthlyCost({ size: "s-2vcpu-4gb", volumeSizeGib: 50 }, true);
    expect(cost.total).toBe(34);
    expect(cost.items.find(({ name }) => name.startsWith("Spaces"))?.monthly).toBe(5);
  });
});

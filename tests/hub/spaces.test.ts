import { describe, expect, it } from "vitest";
import { bucketName, spacesEndpoint, spacesRegion } from "../../hub/spaces.ts";

describe("object storage", () => {
  it("is in the hub's region, or in the nearest that has it", () => {
    expect(spacesRegion("fra1")).toBe("fra1");
    expect(spacesRegion("nyc1")).toBe("nyc3");
  });

  it("is at DigitalOcean's address of the region, or where the environment says", () => {
    expect(spacesEndpoint("fra1")).toBe("https://fra1.digitaloceanspaces.com");
    expect(spacesEndpoint("fra1", "https://{{ .Region }}.example.com/")).toBe(
      "https://fra1.example.com",
    );
    expect(spacesEndpoint("fra1", "http://192.0.2.1:9000")).toBe("http://192.0.2.1:9000");
  });

  it("takes names of S3's letters and length, with the suffix whole", () => {
    expect(bucketName("aihub-prod-backups", "x7k2")).toBe("aihub-prod-backups-x7k2");
    expect(bucketName("aihub-My_Stack.1-backups", "x7k2")).toBe("aihub-my-stack-1-backups-x7k2");
    const long = bucketName(`aihub-${"a".repeat(90)}-backups`, "x7k2");
    expect(long).toMatch(/^aihub-a+-x7k2$/);
    expect(long).toHaveLength(63);
  });
});

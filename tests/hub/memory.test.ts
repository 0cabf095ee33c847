import { describe, expect, it } from "vitest";
import { HOST_RESERVE, planMemory } from "../../hub/memory.ts";
import { services } from "../../hub/services.ts";
import { sizes } from "../../hub/sizes.ts";

const always = services.filter(({ onlyIn }) => onlyIn === undefined);

describe("the memory plan", () => {
  it.each(["s-2vcpu-4gb", "s-4vcpu-8gb", "s-8vcpu-16gb"])(
    "fits %s with the host's reserve",
    (size) => {
      const shares = planMemory(size, [...services]);
      const sum = Object.values(shares).reduce((total, share) => total + share.limit, 0);
      expect(sum + HOST_RESERVE).toBeLessThanOrEqual(sizes[size]?.memory ?? 0);
      for (const service of services) {
        expect(shares[service.name]?.limit).toBeGreaterThanOrEqual(service.minimum);
        expect(shares[service.name]?.reservation).toBeLessThanOrEqual(
          shares[service.name]?.limit ?? 0,
        );
      }
    },
  );

  it("gives what is left to those that can use it", () => {
    const small = planMemory("s-2vcpu-4gb", [...services]);
    const large = planMemory("s-8vcpu-16gb", [...services]);
    expect(large["open-webui"]?.limit).toBeGreaterThan((small["open-webui"]?.limit ?? 0) * 2);
    expect(large.nginx).toEqual(small.nginx);
  });

  it("refuses a droplet that is too small, with the sum and a size that fits", () => {
    expect(() => planMemory("s-1vcpu-2gb", always)).toThrow(
      /does not fit droplet size s-1vcpu-2gb[\s\S]*host 512 \+ nginx 96 \+ hub-server 160 \+ open-webui 1024 .*= 3776 MiB, but s-1vcpu-2gb has 2048 MiB[\s\S]*s-2vcpu-4gb/,
    );
  });
});

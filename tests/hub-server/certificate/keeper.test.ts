import { afterEach, describe, expect, it } from "vitest";
import { certificate, DAY, HOUR, MINUTE, server, World } from "./world.ts";

let world: World;
afterEach(() => world.dispose());

/** What Let's Encrypt would count against the name. */
const failedValidation = ({ ok }: { ok: boolean }) => !ok;
const certificateIssued = ({ issued, request }: { issued: boolean; request: string }) =>
  issued && request !== "order-staging";

describe("the first certificate", () => {
  it("is tried at the staging server before it is ordered", async () => {
    world = await World.make();
    await world.turn();
    expect(world.asked.map(({ request }) => request)).toEqual(["order-staging", "order"]);
    expect(world.status).toMatchObject({
      state: "serving",
      daysLeft: 89,
      issuer: "CN=A made-up CA",
    });
    expect(world.status?.ledger).toMatchObject({ issued: 1, failed: 0, trials: 1 });
  });

  it("is ordered at once where no staging server is named", async () => {
    world = await World.make({ trial: false });
    await world.turn();
    expect(world.asked.map(({ request }) => request)).toEqual(["order"]);
  });

  it("is not ordered when the trial fails, and the message says why", async () => {
    world = await World.make();
    world.refuses = () => "no route to your server";
    await world.turn();
    expect(world.asked.map(({ request }) => request)).toEqual(["order-staging"]);
    expect(world.status?.state).toBe("waiting");
    expect(world.status?.message).toMatch(/staging\.example gave no certificate .*no route/);
    expect(world.status?.message).toMatch(/Next attempt: 2026-12-01T00:15/);
  });

  it("is tried anew after an order that failed", async () => {
    world = await World.make();
    world.refuses = (request) => (request === "order" ? "rejected" : undefined);
    await world.turn();
    world.refuses = () => undefined;
    await world.pass(HOUR);
    expect(world.asked.map(({ request }) => request).slice(0, 4)).toEqual([
      "order-staging",
      "order",
      "order-staging",
      "order",
    ]);
    expect(world.status?.state).toBe("serving");
  });

  it.each(["dns", "caa", "http", "server"] as const)(
    "is not ordered while the look before finds an obstacle (%s), and soon after it is gone",
    async (at) => {
      world = await World.make();
      world.obstacle = { at, what: "It is wrong there.", fix: "Do this." };
      await world.pass(3 * DAY);
      expect(world.asked).toEqual([]);
      expect((await world.ledger()).runs()).toEqual([]);
      expect(world.status).toMatchObject({
        state: "waiting",
        message: "It is wrong there. Fix: Do this.",
        notAfter: null,
      });
      world.obstacle = undefined;
      await world.pass(30 * MINUTE);
      expect(world.status?.state).toBe("serving");
    },
  );

  it("fails when certbot says it went well but has none", async () => {
    world = await World.make();
    world.loses = true;
    await world.turn();
    expect(world.status?.state).toBe("waiting");
    expect((await world.ledger()).runs().at(-1)?.outcome).toBe("lost");
  });

  it("is ordered anew when the name or the server is another", async () => {
    world = await World.make();
    world.held = certificate("old", world.now, 90);
    world.held.covers = () => false;
    await world.turn();
    expect(world.count("order")).toBe(1);
    await world.restart({ server: "https://other.example/directory", stagingServer: undefined });
    await world.turn();
    expect(world.count("order")).toBe(2);
    expect((await world.ledger()).runs().at(-1)?.server).toBe("https://other.example/directory");
    expect(server).not.toContain("other");
  });
});

describe.each([90, 45, 6])("a certificate of %i days", (life) => {
  it("is renewed over months without a gap, with one order each time", async () => {
    const days = life < 10 ? 100 : 365;
    world = await World.make({ life });
    await world.turn();
    let least = Number.POSITIVE_INFINITY;
    await world.pass(days * DAY, () => {
      expect(world.status?.state).toBe("serving");
      least = Math.min(least, (world.held?.notAfter ?? 0) - world.now);
    });
    expect(world.count("order")).toBe(1);
    const due = life < 10 ? life / 2 : life / 3;
    // Between two looks at most.
    expect(least).toBeGreaterThan((due - (life < 10 ? 0.25 : 0.7)) * DAY);
    const renewed = world.asked.filter(certificateIssued).length - 1;
    expect(renewed).toBeGreaterThanOrEqual(Math.floor(days / (life - due)) - 1);
    expect(renewed).toBeLessThanOrEqual(Math.ceil(days / (life - due - 1)));
    expect(world.most(7 * DAY, certificateIssued)).toBeLessThanOrEqual(3);
  });

  it("outlives days in which the ACME server is down", async () => {
    world = await World.make({ life });
    await world.turn();
    const days = life < 10 ? 2 : 10;
    await world.pass((life < 10 ? life / 2 : life * (2 / 3)) * DAY - HOUR);
    world.obstacle = { at: "server", what: "It is down.", fix: "Wait." };
    const before = world.count("renew");
    const held = world.held?.fingerprint;
    await world.pass(days * DAY);
    expect(world.count("renew")).toBe(before);
    expect(world.held?.fingerprint).toBe(held);
    expect(world.status).toMatchObject({ state: "at-risk", message: "It is down. Fix: Wait." });
    world.obstacle = undefined;
    await world.pass(HOUR);
    expect(world.status?.state).toBe("serving");
    expect(world.held?.fingerprint).not.toBe(held);
  });
});

describe("a renewal", () => {
  it("comes when renewal info asks for it, within hours", async () => {
    world = await World.make();
    await world.pass(5 * DAY);
    const held = world.held?.fingerprint;
    world.early = true;
    await world.pass(15 * HOUR);
    expect(world.held?.fingerprint).not.toBe(held);
  });

  it("that fails leaves the old one, and is not asked for too often", async () => {
    world = await World.make();
    await world.pass(58 * DAY);
    world.refuses = () => "broken";
    const held = world.held?.fingerprint;
    await world.pass(14 * DAY);
    expect(world.held?.fingerprint).toBe(held);
    expect(world.status?.state).toBe("at-risk");
    expect(world.most(HOUR, failedValidation)).toBeLessThanOrEqual(2);
    expect(world.asked.filter(failedValidation).length).toBeLessThan(24);
    world.refuses = () => undefined;
    await world.pass(DAY + HOUR);
    expect(world.status?.state).toBe("serving");
  });

  it("becomes an order when the old one has ended", async () => {
    world = await World.make();
    await world.turn();
    world.refuses = (request) => (request === "renew" ? "broken" : undefined);
    await world.pass(95 * DAY);
    expect(world.count("order")).toBe(2);
    expect(world.status?.state).toBe("serving");
  });
});

describe("a stop in the middle", () => {
  it("orders nothing twice: the answer is there at the next start", async () => {
    world = await World.make();
    world.dies = true;
    await expect(world.turn()).rejects.toThrow("stopped");
    await world.restart();
    await world.turn();
    world.dies = true;
    await world.restart({ stagingServer: undefined });
    world.held = undefined;
    await expect(world.turn()).rejects.toThrow("stopped");
    const orders = world.count("order");
    await world.restart();
    await world.turn();
    expect(world.count("order")).toBe(orders);
    expect(world.status?.state).toBe("serving");
  });

  it("whose answer is lost counts as a failure", async () => {
    world = await World.make();
    world.refuses = () => "broken";
    world.dies = true;
    await expect(world.turn()).rejects.toThrow("stopped");
    world.answers.clear();
    await world.restart();
    await world.turn();
    expect(world.asked).toHaveLength(1);
    expect(world.status?.message).toMatch(/it was cut off.*Nothing is ordered before/);
  });

  it("is no way round the limits, however often it happens", async () => {
    world = await World.make();
    world.refuses = () => "broken";
    const end = world.now + 3 * DAY;
    while (world.now < end) {
      world.dies = world.asked.length % 2 === 0;
      await world.turn().catch(() => {});
      if (world.asked.length % 3 === 0) world.answers.clear();
      await world.restart();
      world.now += 3 * MINUTE;
    }
    expect(world.most(HOUR, failedValidation)).toBeLessThanOrEqual(2);
    expect(world.asked.length).toBeLessThan(10);
  });
});

describe("two weeks of failure never reach the limits of the ACME server", () => {
  it.each<[string, (world: World) => void]>([
    [
      "each order fails",
      (world) => {
        world.refuses = () => "broken";
      },
    ],
    [
      "each order fails after a good trial",
      (world) => {
        world.refuses = (request) => (request === "order" ? "broken" : undefined);
      },
    ],
    [
      "each certificate is lost",
      (world) => {
        world.loses = true;
      },
    ],
    [
      "each certificate is gone a minute later",
      (world) => {
        world.restart({ held: async () => (world.now % HOUR < MINUTE ? world.held : undefined) });
      },
    ],
    [
      "good and bad take turns",
      (world) => {
        let turns = 0;
        world.refuses = () => {
          turns += 1;
          return turns % 3 === 0 ? undefined : "broken";
        };
        world.loses = true;
      },
    ],
  ])("%s", async (_what, breaks) => {
    world = await World.make();
    breaks(world);
    await world.restart();
    // Somebody restarts it every six hours in the hope that it helps.
    for (let hours = 0; hours < 14 * 24; hours += 6) {
      await world.pass(6 * HOUR);
      await world.restart();
    }
    expect(world.asked.length).toBeGreaterThan(2);
    expect(world.most(HOUR, failedValidation)).toBeLessThanOrEqual(2);
    expect(world.most(7 * DAY, certificateIssued)).toBeLessThanOrEqual(3);
    expect(world.most(3 * HOUR, () => true)).toBeLessThan(10);
  });

  it("a certificate that renewal info always wants anew is had three times a week", async () => {
    world = await World.make();
    await world.turn();
    await world.pass(14 * DAY, () => {
      world.early = true;
    });
    expect(world.most(7 * DAY, certificateIssued)).toBe(3);
    expect(world.status?.state).toBe("serving");
  });
});

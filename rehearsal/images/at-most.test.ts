import { expect, test } from "vitest";
import { atMost } from "./at-most.ts";

const turn = () => new Promise(setImmediate);

test("runs jobs in order, so many at a time", async () => {
  const slot = atMost(2);
  const started: number[] = [];
  let now = 0;
  let most = 0;
  const job = (number: number) => async () => {
    started.push(number);
    most = Math.max(most, ++now);
    await turn();
    now--;
    return number;
  };
  const results = await Promise.all([1, 2, 3, 4, 5].map((number) => slot(0, job(number))));
  expect(results).toEqual([1, 2, 3, 4, 5]);
  expect(started).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});

test("gives the place of a job that failed to the next one", async () => {
  const slot = atMost(1);
  const failing = slot(0, () => Promise.reject(new Error("no")));
  const next = slot(0, async () => "next");
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("next");
});

test("lets no newcomer in while a place changes hands", async () => {
  const slot = atMost(1);
  let now = 0;
  let most = 0;
  const job = async () => {
    most = Math.max(most, ++now);
    await turn();
    now--;
  };
  const first = slot(0, job);
  const second = slot(0, job);
  await first;
  await Promise.all([second, slot(0, job)]);
  expect(most).toBe(1);
});

test("begins with the heaviest of those that wait", async () => {
  const slot = atMost(1);
  const started: string[] = [];
  const job = (name: string) => async () => {
    started.push(name);
    await turn();
  };
  await Promise.all([
    slot(0, job("first")),
    slot(1, job("light")),
    slot(2, job("heavy")),
    slot(2, job("as heavy")),
  ]);
  expect(started).toEqual(["first", "heavy", "as heavy", "light"]);
});

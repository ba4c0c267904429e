import { describe, expect, test } from "vitest";
import { createFairQueue } from "./queue.ts";

type Job = { name: string; leased: { message: { did: string; priority: number } } };

/** `a2`: of member a, with priority 2. */
const job = (name: string): Job => ({
  name,
  leased: { message: { did: name[0]!, priority: Number(name[1]) } },
});
const anyone = { member: () => true, job: () => true };

function queueOf(...names: string[]) {
  const queue = createFairQueue<Job>();
  for (const name of names) queue.push(job(name));
  return queue;
}

function takeAll(queue: ReturnType<typeof queueOf>, fit = anyone): string {
  const out: string[] = [];
  for (let one = queue.take(fit); one; one = queue.take(fit)) out.push(one.name);
  return out.join(" ");
}

const many = (name: string, n: number) => Array.from({ length: n }, (_, i) => `${name}-${i}`);

describe("what leaves next", () => {
  test.each<[string, string[], string]>([
    ["of one member, in the order of arrival", ["a1-x", "a1-y", "a1-z"], "a1-x a1-y a1-z"],
    ["a login code before all that was there", ["a2-x", "b1-x", "a2-y", "a0-x"], "a0-x b1-x a2-x a2-y"],
    [
      "each member in turn",
      ["a1-x", "a1-y", "a1-z", "b1-x", "c1-x", "b1-y"],
      "a1-x b1-x c1-x a1-y b1-y a1-z",
    ],
    ["also among login codes", ["a0-x", "a0-y", "a0-z", "b0-x"], "a0-x b0-x a0-y a0-z"],
    [
      "the tenth by age alone",
      ["a2-old", ...many("b1", 11)],
      "b1-0 b1-1 b1-2 b1-3 b1-4 b1-5 b1-6 b1-7 b1-8 a2-old b1-9 b1-10",
    ],
  ])("%s", (_name, arrived, expected) => {
    expect(takeAll(queueOf(...arrived))).toBe(expected);
  });
});

test("ten thousand of one member delay the login code of another by none, its other mail by one", () => {
  const queue = queueOf(...many("a2", 5_000), ...many("a0", 5_000));
  queue.push(job("b0-code"));
  queue.push(job("b2-news"));
  const order: string[] = [];
  for (let i = 0; i < 10_002; i++) order.push(queue.take(anyone)!.name);
  expect(order.indexOf("b0-code")).toBeLessThanOrEqual(1);
  expect(order.filter((name) => name.startsWith("a2")).length).toBe(5_000);
  const firstBulk = order.slice(0, order.indexOf("b2-news")).filter((name) => name.startsWith("a2"));
  // Each tenth place of the codes' time went to the oldest.
  expect(firstBulk.length).toBeLessThanOrEqual(5_000 / 9 + 2);
});

test("taking one costs the same with ten thousand members as with ten", () => {
  const timed = (members: number) => {
    const queue = createFairQueue<Job>();
    for (let i = 0; i < members; i++)
      queue.push({ name: `${i}`, leased: { message: { did: `did:${i}`, priority: 1 } } });
    const began = performance.now();
    for (let i = 0; i < 9; i++) queue.take(anyone);
    return performance.now() - began;
  };
  timed(10);
  expect(timed(10_000)).toBeLessThan(timed(10) * 20 + 5);
});

test("who has enough, and what does not fit, is passed over and keeps its place", () => {
  const queue = queueOf("a1-x", "a1-y", "b1-x", "c0-x");
  expect(queue.take({ member: (did) => did === "b", job: () => true })?.name).toBe("b1-x");
  expect(queue.take({ member: () => true, job: ({ name }) => name === "a1-y" })?.name).toBe("a1-y");
  expect(queue.take({ member: (_did, priority) => priority > 0, job: () => true })?.name).toBe("a1-x");
  expect(queue.take({ member: () => false, job: () => true })).toBeUndefined();
  expect([queue.size, queue.codes]).toEqual([1, 1]);
});

test("what is put back is its member's next, and what is removed is counted no more", () => {
  const queue = queueOf("a1-x", "a1-y", "a0-x", "b1-x");
  const code = queue.take(anyone)!;
  queue.putBack(code);
  expect([queue.size, queue.codes]).toEqual([4, 1]);
  expect(queue.remove(({ name }) => name.startsWith("a")).map(({ name }) => name)).toEqual([
    "a0-x",
    "a1-x",
    "a1-y",
  ]);
  expect([queue.size, queue.codes, takeAll(queue)]).toEqual([1, 0, "b1-x"]);
});

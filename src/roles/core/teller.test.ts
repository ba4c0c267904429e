import { expect, test, vi } from "vitest";
import { silentLog } from "../../platform/log.ts";
import { createTeller } from "./teller.ts";

test("changes of one turn are told together", async () => {
  const told: string[][] = [];
  const teller = createTeller(async (dids) => void told.push([...dids]), silentLog);
  teller.tell(["a"]);
  teller.tell(["b", "a"]);
  await teller.told();
  expect(told).toEqual([["a", "b"]]);
});

test.each([0, 1, 2, 3, 4])("a change %d turns after the last telling is told too", async (turns) => {
  const told: string[][] = [];
  const late = Promise.withResolvers<void>();
  const teller = createTeller(async (dids) => {
    told.push([...dids]);
    if (told.length > 1) return;
    void (async () => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      teller.tell(["b"]);
      late.resolve();
    })();
  }, silentLog);
  teller.tell(["a"]);
  await late.promise;
  await teller.told();
  expect(told).toEqual([["a"], ["b"]]);
});

test("what could not be told is told again, with what has changed since", async () => {
  const told: string[][] = [];
  const teller = createTeller(async (dids) => {
    told.push([...dids]);
    if (told.length === 1) throw new Error("no room");
  }, silentLog);
  teller.tell(["a"]);
  await teller.told();
  expect(told).toEqual([["a"]]);
  teller.tell(["b"]);
  await teller.told();
  expect(told[1]).toEqual(["a", "b"]);
  await teller.close();
});

test("it tries again by itself", async () => {
  let tries = 0;
  const teller = createTeller(async () => {
    if (++tries < 2) throw new Error("no room");
  }, silentLog);
  teller.tell(["a"]);
  await expect.poll(() => tries, { timeout: 3_000 }).toBe(2);
  await teller.close();
});

test("what fails while it closes is not tried again", async () => {
  const fail = Promise.withResolvers<void>();
  let tries = 0;
  const teller = createTeller(async () => {
    tries++;
    await fail.promise;
  }, silentLog);
  teller.tell(["a"]);
  await Promise.resolve();
  vi.useFakeTimers();
  try {
    const closed = teller.close();
    fail.reject(new Error("no room"));
    await closed;
    teller.tell(["b"]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(tries).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

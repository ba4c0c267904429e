import { expect, test } from "vitest";
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
  teller.close();
});

test("it tries again by itself", async () => {
  let tries = 0;
  const teller = createTeller(async () => {
    if (++tries < 2) throw new Error("no room");
  }, silentLog);
  teller.tell(["a"]);
  await expect.poll(() => tries, { timeout: 3_000 }).toBe(2);
  teller.close();
});

import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newDkimKey } from "../member/index.ts";
import { openingKeyFrom } from "../platform/seal.ts";
import { openPoolKey, readPoolKey } from "./pool-key.ts";

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "atmos-pool-key-"))));
afterEach(() => rm(dir, { recursive: true }));

test("the pool's key is made once, and is not on disk in clear", async () => {
  const opening = await openingKeyFrom(randomBytes(32));
  expect(await readPoolKey(dir, "pool1")).toBeUndefined();
  const made = await openPoolKey(dir, "pool1", opening);
  const again = await openPoolKey(dir, "pool1", opening);
  expect(again.key.equals(made.key)).toBe(true);
  expect(await readPoolKey(dir, "pool1")).toEqual({ selector: "pool1", txt: made.txt });
  for (const file of await readdir(dir)) {
    expect(await readFile(join(dir, file), "utf8")).not.toContain("PRIVATE KEY");
  }
});

test("a key that lay there in clear is sealed, and is the same", async () => {
  const { privatePem, txt } = await newDkimKey("pool1", "rsa");
  await writeFile(join(dir, "pool1.pem"), privatePem);
  expect(await readPoolKey(dir, "pool1")).toEqual({ selector: "pool1", txt });
  const opened = await openPoolKey(dir, "pool1", await openingKeyFrom(randomBytes(32)));
  expect(createPublicKey(opened.key).equals(createPublicKey(createPrivateKey(privatePem)))).toBe(true);
  expect(await readdir(dir)).toEqual(["pool1.json"]);
});

test("with another secret it says what to do", async () => {
  await openPoolKey(dir, "pool1", await openingKeyFrom(randomBytes(32)));
  const other = await openingKeyFrom(randomBytes(32));
  await expect(openPoolKey(dir, "pool1", other)).rejects.toThrow("another ATMOS_RELAY_SECRET");
});

import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NO_STATE, acmeStore } from "./store.ts";

let dir: string;
beforeEach(async () => void (dir = join(await mkdtemp(join(tmpdir(), "atmos-acme-")), "acme")));
afterEach(() => rm(join(dir, ".."), { recursive: true }));

test("what is kept is read again, and is for its owner alone", async () => {
  const store = acmeStore(dir);
  expect(await store.certificate()).toBeUndefined();
  expect(await store.account("https://a.test/dir")).toBeUndefined();
  expect(await store.state()).toEqual(NO_STATE);

  const key = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
  const cert = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n".repeat(2);
  await store.saveCertificate({ key, cert });
  expect(await store.certificate()).toEqual({ key, cert });

  const [one, two] = ["https://a.test/dir", "https://b.test/dir"];
  await store.saveAccount({ directory: one, key: "1" });
  await store.saveAccount({ directory: two, key: "2", url: "https://b.test/acct/1" });
  expect((await store.account(one))?.key).toBe("1");
  expect((await store.account(two))?.url).toBe("https://b.test/acct/1");

  const state = { ...NO_STATE, failures: 2, lastError: "no" };
  await store.saveState(state);
  expect(await store.state()).toEqual(state);
  await writeFile(join(dir, "state.json"), "{");
  expect(await store.state(), "a broken state is none").toEqual(NO_STATE);

  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  const files = await readdir(dir);
  expect(files).toHaveLength(4);
  for (const file of files) expect((await stat(join(dir, file))).mode & 0o777, file).toBe(0o600);
});

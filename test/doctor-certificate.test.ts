import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tls } from "../src/cli/doctor/tls.ts";
import { createAuthority } from "../src/devnet/certificates.ts";
import { acmeStore } from "../src/platform/acme/index.ts";
import { parseConfig } from "../src/platform/config/index.ts";
import { createResolver } from "../src/platform/dns/index.ts";

const DAY = 86_400_000;
/** Certificates count whole seconds. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
const HOST = "relay.coop.test";
const authority = createAuthority();
/** Ninety days, of which so many are left. */
const leaf = (left: number, names = [HOST], life = 90) =>
  authority.issue(names, { notBefore: NOW - (life - left) * DAY, notAfter: NOW + left * DAY });

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "atmos-doctor-"))));
afterEach(() => rm(dir, { recursive: true }));

const probe = (settings: Record<string, string>) =>
  tls({
    ...parseConfig({
      ATMOS_ROLES: "core,relay",
      ATMOS_DATA_DIR: dir,
      ATMOS_POOL_DOMAIN: "coop.test",
      ATMOS_PUBLIC_URL: "https://coop.test",
      ATMOS_RELAY_SECRET: "ab".repeat(32),
      ATMOS_CORE_SECRET: "cd".repeat(32),
      ...settings,
    }),
    resolver: createResolver({ servers: ["127.0.0.1:1"] }),
    now: () => NOW,
  });

describe("a certificate from files", () => {
  test.each([
    ["fifteen days left", leaf(15), "ok", /15 days/],
    ["thirteen days left", leaf(13), "warn", /13 days/],
    ["expired", leaf(-1), "fail", /expired/],
    [
      "for another name",
      leaf(60, ["other.test"]),
      "fail",
      /not for relay\.coop\.test but for DNS:other\.test/,
    ],
    ["another's key", { ...leaf(60), key: leaf(60).key }, "fail", /do not belong together/],
    ["nothing in it", { cert: "", key: "" }, "fail", /not readable/],
  ])("%s", async (_, pair, status, text) => {
    await writeFile(join(dir, "c.pem"), pair.cert);
    await writeFile(join(dir, "k.pem"), pair.key);
    const found = await probe({
      ATMOS_TLS_CERT_FILE: join(dir, "c.pem"),
      ATMOS_TLS_KEY_FILE: join(dir, "k.pem"),
    });
    expect(found).toEqual([expect.objectContaining({ status, text: expect.stringMatching(text) })]);
  });
  test("that are not there", async () => {
    const found = await probe({
      ATMOS_TLS_CERT_FILE: "/nowhere/c.pem",
      ATMOS_TLS_KEY_FILE: "/nowhere/k.pem",
    });
    expect(found).toEqual([
      expect.objectContaining({ status: "fail", text: expect.stringMatching(/ENOENT/) }),
    ]);
  });
});

describe("a certificate by ACME", () => {
  const directory = "https://ca.test/dir";
  const statuses = async (settings: Record<string, string> = {}) =>
    (await probe({ ATMOS_ACME_DIRECTORY: directory, ...settings })).map(({ status, text }) => [status, text]);
  const failed = {
    about: "",
    failures: 3,
    lastFailureAt: NOW,
    lastError: "the name does not resolve",
    retryAfterMs: 0,
    issuedBy: directory,
  };

  test("none yet, and none after failures", async () => {
    expect(await statuses()).toEqual([["warn", expect.stringMatching(/none yet/)]]);
    await acmeStore(dir + "/acme").saveState(failed);
    expect(await statuses()).toEqual([
      ["fail", expect.stringMatching(/none yet/)],
      ["warn", expect.stringMatching(/failed 3 times, last at .*: the name does not resolve/)],
    ]);
  });
  test.each([
    ["nothing", 0, /SIGHUP.*at once/],
    ["an hour", 3_600_000, /no other try before/],
  ])("what a person can do when the authority asked to wait: %s", async (_, retryAfterMs, remedy) => {
    await acmeStore(dir + "/acme").saveState({ ...failed, retryAfterMs });
    const [, last] = await probe({ ATMOS_ACME_DIRECTORY: directory });
    expect(last).toMatchObject({ status: "warn", remedy: expect.stringMatching(remedy) });
  });
  test("it serves, and the last order failed", async () => {
    await acmeStore(dir + "/acme").saveCertificate(leaf(29));
    expect((await statuses()).map(([status]) => status)).toEqual(["ok", "ok"]);
    await acmeStore(dir + "/acme").saveState(failed);
    expect((await statuses()).map(([status]) => status)).toEqual(["ok", "warn"]);
  });
  test.each([
    ["six days of life, two left", leaf(2, [HOST], 6), {}, "ok"],
    ["six days of life, one left", leaf(1, [HOST], 6), {}, "warn"],
    ["a name lacks", leaf(60), { ATMOS_ACME_NAMES: "mx.coop.test" }, "fail"],
  ])("%s", async (_, pair, settings, status) => {
    await acmeStore(dir + "/acme").saveCertificate(pair);
    expect((await statuses(settings as Record<string, string>))[0]![0]).toBe(status);
  });
});

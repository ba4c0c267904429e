import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { MovableClock } from "../src/lib/clock.ts";
import { acmeStore, openAcme, type AcmeOptions } from "../src/platform/acme/index.ts";
import { createTransport } from "../src/platform/acme/transport.ts";
import {
  CertificateError,
  openCertificateFiles,
  readPair,
  unfit,
  type Certificates,
  type Pair,
} from "../src/platform/certificates/index.ts";
import { silentLog } from "../src/platform/log.ts";

const DAY = 86_400_000;
const HOST = "relay.coop.test";
const authority = createAuthority();
const NOW = Date.now();
const issue = (names = [HOST], from = NOW - DAY, days = 90) =>
  authority.issue(names, { notBefore: from, notAfter: from + days * DAY });

let dir: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "atmos-tls-"))));
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await rm(dir, { recursive: true });
});

function pairOf({ cert, key }: { cert: string; key: string }): Pair {
  const read = readPair(cert, key);
  if ("fault" in read) throw new Error(read.fault);
  return read.pair;
}

describe("a pair that cannot serve", () => {
  const [one, two] = [issue(), issue()];
  test.each([
    ["no certificate", "", one.key, /not readable PEM/],
    ["half a certificate", one.cert.slice(0, 400), one.key, /not readable PEM/],
    ["half of its chain", one.cert.slice(0, -200), one.key, /TLS cannot use it/],
    ["no key", one.cert, "", /key is not a readable PEM/],
    ["half a key", one.cert, one.key.slice(0, 100), /key is not a readable PEM/],
    ["another's key", one.cert, two.key, /do not belong together/],
    [
      "the authority first",
      one.cert.replace(/^-[\s\S]+?END CERTIFICATE-----\n/, "") + one.cert,
      one.key,
      /own certificate comes first/,
    ],
  ])("%s", (_, cert, key, why) => expect(readPair(cert, key)).toEqual({ fault: expect.stringMatching(why) }));

  test.each([
    ["expired", issue([HOST], NOW - 100 * DAY), undefined, /expired/],
    ["not yet valid", issue([HOST], NOW + DAY), undefined, /clock/],
    [
      "for another name",
      issue(["other.test"]),
      undefined,
      /not for relay\.coop\.test but for DNS:other\.test/,
    ],
    ["for another name, and what serves is for ours", issue(["other.test"]), issue(), /not for/],
    ["for another name, as is what serves", issue(["other.test"]), issue(["other.test"]), undefined],
    ["right", issue(), undefined, undefined],
    ["right by a wildcard", issue(["*.coop.test"]), issue(), undefined],
  ])("%s", (_, next, serving, why) => {
    const found = unfit(pairOf(next), { hostname: HOST, now: NOW, serving: serving && pairOf(serving) });
    if (why === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(why);
  });
});

describe("files that are watched", () => {
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  let faults: number;
  async function open(first: { cert: string; key: string }): Promise<[Certificates, MovableClock, Pair[]]> {
    lines.length = 0;
    faults = 0;
    await put(first);
    const clock = new MovableClock(NOW);
    const [certFile, keyFile] = [join(dir, "cert.pem"), join(dir, "key.pem")];
    const onFault = () => void faults++;
    const certificates = await openCertificateFiles({
      certFile,
      keyFile,
      hostname: HOST,
      clock,
      log,
      onFault,
    });
    closing.push(() => certificates.close());
    const changes: Pair[] = [];
    certificates.onChange((pair) => changes.push(pair));
    return [certificates, clock, changes];
  }
  async function put({ cert, key }: { cert?: string; key?: string }): Promise<void> {
    for (const [name, text] of [
      ["cert.pem", cert],
      ["key.pem", key],
    ] as const) {
      if (text === undefined) continue;
      await writeFile(join(dir, `${name}.new`), text);
      await rename(join(dir, `${name}.new`), join(dir, name));
    }
  }

  test("a renewed pair serves within a minute; one in between is refused once, aloud", async () => {
    const [first, second] = [issue(), issue()];
    const [certificates, clock, changes] = await open(first);
    expect(certificates.current().cert).toBe(first.cert);
    await put({ cert: second.cert });
    clock.advance(60_000);
    await expect.poll(() => faults).toBe(1);
    await certificates.check();
    expect(certificates.current().cert).toBe(first.cert);
    expect(faults, "the same fault is told once").toBe(1);
    expect(lines.join()).toMatch(
      /refused, the old one serves on: key and certificate do not belong together/,
    );
    await put({ key: second.key });
    clock.advance(60_000);
    await expect.poll(() => changes.length).toBe(1);
    expect(certificates.current()).toMatchObject({ cert: second.cert, key: second.key });
  });

  test("one that is not yet valid is taken when its time has come, without a change of the files", async () => {
    const [certificates, clock, changes] = await open(issue());
    await put(issue([HOST], NOW + 1_000));
    await certificates.check();
    expect(changes).toHaveLength(0);
    clock.advance(60_000);
    await expect.poll(() => changes.length).toBe(1);
  });

  test("files that are gone or the same again change nothing", async () => {
    const first = issue();
    const [certificates, , changes] = await open(first);
    await rm(join(dir, "cert.pem"));
    await certificates.check();
    expect(lines.join()).toMatch(/cert\.pem cannot be read \(ENOENT\)/);
    await put(first);
    await certificates.check();
    expect(changes).toHaveLength(0);
    expect(certificates.current().cert).toBe(first.cert);
  });

  test("to begin with, an expired pair serves, and a broken one is an error", async () => {
    const [certificates] = await open(issue([HOST], NOW - 100 * DAY));
    expect(certificates.current().notAfter).toBeLessThan(NOW);
    expect(lines.join()).toMatch(/it expired/);
    await expect(open({ cert: issue().cert, key: issue().key })).rejects.toThrow(CertificateError);
  });
});

describe("ACME, when the authority cannot be asked", () => {
  /** The first try loads what it needs. */
  const SOON = { timeout: 5_000 };
  const directory = "https://127.0.0.1:1/dir";
  async function open(clock: MovableClock, change: Partial<AcmeOptions> = {}) {
    let faults = 0;
    const acme = await openAcme({
      dir,
      directory,
      names: [HOST],
      httpAddress: { host: "127.0.0.1", port: 0 },
      clock,
      random: () => 0,
      log: silentLog,
      onFault: () => void faults++,
      ...change,
    });
    closing.push(() => acme.close());
    return { acme, faults: () => faults };
  }

  test("tries are spaced, over a restart too, and a person may hurry them to one a minute", async () => {
    const clock = new MovableClock(NOW);
    const first = await open(clock);
    await expect.poll(first.faults, SOON).toBe(1);
    const state = await acmeStore(dir).state();
    expect(state).toMatchObject({ failures: 1, lastError: expect.stringMatching(/nothing listens/) });
    expect(() => first.acme.current()).toThrow();
    await first.acme.close();

    const again = await open(clock);
    await again.acme.check();
    clock.advance(30_000);
    await again.acme.check();
    expect(again.faults()).toBe(0);
    clock.advance(30_000);
    await expect.poll(again.faults, SOON).toBe(1);
    expect(await acmeStore(dir).state()).toMatchObject({ failures: 2, lastFailureAt: NOW + 60_000 });
    clock.advance(9 * 60_000);
    expect(again.faults()).toBe(1);
    clock.advance(60_000);
    await expect.poll(again.faults, SOON).toBe(2);
    await again.acme.close();

    const other = await open(clock, { names: [HOST, "mx.coop.test"] });
    await expect.poll(other.faults, { ...SOON, message: "what is asked for is another thing" }).toBe(1);
  });

  test("SIGHUP tries at once, when the last try is a minute ago", async () => {
    const clock = new MovableClock(NOW);
    const { acme, faults } = await open(clock);
    await expect.poll(faults, SOON).toBe(1);
    await expect.poll(async () => (await acmeStore(dir).state()).failures, SOON).toBe(1);
    clock.advance(61_000);
    expect(faults()).toBe(1);
    // No time goes by.
    await acme.check();
    await expect.poll(faults, SOON).toBe(2);
    await acme.check();
    await expect.poll(async () => (await acmeStore(dir).state()).failures, SOON).toBe(2);
    expect(faults()).toBe(2);
  });

  test("SIGHUP does not pass over the time that the authority asked for", async () => {
    const clock = new MovableClock(NOW);
    const { acme, faults } = await open(clock);
    await expect.poll(faults, SOON).toBe(1);
    await acme.close();
    const state = await acmeStore(dir).state();
    await acmeStore(dir).saveState({ ...state, retryAfterMs: 3_600_000 });
    const again = await open(clock);
    clock.advance(50 * 60_000);
    await again.acme.check();
    clock.advance(10 * 60_000);
    await expect.poll(async () => (await acmeStore(dir).state()).failures, SOON).toBe(2);
    expect(await acmeStore(dir).state()).toMatchObject({ lastFailureAt: NOW + 3_600_000 });
  });

  test("the certificate that is kept serves, renewed or not", async () => {
    const kept = issue([HOST], NOW - 70 * DAY);
    await acmeStore(dir).saveCertificate(kept);
    const { acme, faults } = await open(new MovableClock(NOW));
    await acme.ready();
    expect(acme.current()).toMatchObject({ cert: kept.cert, key: kept.key.trimEnd() + "\n" });
    await expect.poll(faults, SOON).toBe(1);
    expect(acme.current().cert).toBe(kept.cert);
    expect(await readFile(acmeStore(dir).certificatePath, "utf8")).toContain(kept.cert);
  });
});

describe("requests to an authority", () => {
  const leaf = authority.issue(["127.0.0.1"]);
  async function serving(answer: (path: string) => [number, Record<string, string>, string] | undefined) {
    const server = createServer(leaf, (request, response) => {
      const [status, headers, body] = answer(request.url ?? "") ?? [];
      if (status !== undefined) response.writeHead(status, headers).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(
      () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    );
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const headers = { toJSON: () => ({ accept: "application/json", "content-length": undefined }) };
  const signal = new AbortController().signal;

  test("have a size, a time and no second try, and the last refusal is kept", async () => {
    const url = await serving((path) => {
      if (path === "/large") return [200, {}, "x".repeat(2_000_000)];
      if (path === "/slow") return undefined;
      if (path === "/html") return [502, {}, "<html>"];
      return [429, { "retry-after": "60" }, JSON.stringify({ type: "t", detail: "too much" })];
    });
    const transport = createTransport({ ca: authority.cert, signal, now: () => NOW, timeoutMs: 300 });
    const get = (path: string) => transport.adapter({ url: `${url}${path}`, method: "get", headers });
    expect((await get("/limited")).status).toBe(429);
    expect(transport.problem()).toEqual({ status: 429, type: "t", detail: "too much", retryAfterMs: 60_000 });
    await get("/html");
    expect(transport.problem()).toMatchObject({ status: 502, detail: "HTTP 502" });
    await expect(get("/large")).rejects.toThrow(/more than a megabyte/);
    expect(transport.problem()).toBeUndefined();
    await expect(get("/slow")).rejects.toThrow(/did not answer within 0\.3 s/);
    await expect(transport.adapter({ url: "http://127.0.0.1/", headers })).rejects.toThrow(/https/);
    await expect(
      createTransport({ signal, now: () => NOW }).adapter({ url: `${url}/`, headers }),
    ).rejects.toMatchObject({
      code: "SELF_SIGNED_CERT_IN_CHAIN",
    });
  });
});

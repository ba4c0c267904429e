import type { Duplex } from "node:stream";
import { Secp256k1Keypair } from "@atproto/crypto";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, test } from "vitest";
import { plcMigration, startPlc } from "../../devnet/plc.ts";
import { repoHostMigration, startRepoHost, type RunningRepoHost } from "../../devnet/repo-host/index.ts";
import {
  attachSubscribeLabels,
  createLabels,
  LABELER_SERVICE_COLLECTION,
  labelerServiceRecord,
  labelMigration,
  labelRoutes,
  type Labels,
} from "../../label/index.ts";
import { systemClock as clock } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import { createSafeFetch } from "../../platform/fetch.ts";
import { serveHttp } from "../../platform/http.ts";
import { silentLog } from "../../platform/log.ts";
import { createSafeWebSocket } from "../../platform/websocket.ts";
import { passUpgrade, startProxy, type Upgrade } from "./proxy.fixture.ts";
import { selfTest } from "./self-test.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

let plcUrl: string;
let repos: RunningRepoHost;
let did: string;
let labels: Labels;
/** Where the labeler itself listens, behind whatever the DID document names. */
let inner: URL;

beforeEach(async () => {
  const db = new Database(":memory:", [plcMigration, repoHostMigration, labelMigration]);
  closers.push(() => db.close());
  const at = { host: "127.0.0.1", port: 0 };
  const plc = await startPlc({ db, clock, ...at });
  closers.push(() => plc.close());
  plcUrl = plc.url;
  repos = await startRepoHost({ db, clock, ...at, plcUrl });
  closers.push(() => repos.close());
  const keypair = await Secp256k1Keypair.create();
  ({ did } = await repos.createAccount({
    handle: "labels.test",
    verificationMethods: { atproto_label: keypair.did() },
  }));
  labels = createLabels({ db, did, keypair, clock, log: silentLog, attestationsOf: () => [] });
  await labels.setStanding({ did: "did:plc:member", member: true, cleanSender: false, ended: false });
  const app = new Hono();
  app.route("/", labelRoutes(labels));
  const http = await serveHttp(app, at);
  const stream = attachSubscribeLabels(http.server, labels);
  closers.push(async () => {
    await stream.close();
    await http.close(0);
  });
  inner = new URL(`http://127.0.0.1:${http.address.port}`);
  await repos.putRecord(
    did,
    LABELER_SERVICE_COLLECTION,
    "self",
    labelerServiceRecord("2026-01-01T00:00:00Z"),
  );
});

/** A reverse proxy before the labeler, to which the DID document sends clients. */
async function proxied(onUpgrade?: Upgrade): Promise<string> {
  const proxy = await startProxy(() => inner, onUpgrade);
  closers.push(() => proxy.close());
  await address(proxy.url);
  return proxy.url;
}

const address = (endpoint: string) =>
  repos.updateIdentity(did, { services: { atproto_labeler: { type: "AtprotoLabeler", endpoint } } });

const run = async (url?: string) => {
  const findings = await selfTest({
    did,
    url,
    plcUrl,
    fetch: createSafeFetch({ allowPrivate: true }),
    openWebSocket: createSafeWebSocket({ allowPrivate: true }),
    timeoutMs: 1_000,
  });
  return {
    findings,
    lines: findings.map((f) => `${f.status} ${f.probe}`),
    faults: findings.filter((f) => f.status === "fail"),
  };
};

test("a whole labeler behind a proxy that passes upgrades on", async () => {
  const url = await proxied(passUpgrade(() => inner));
  expect((await run(url)).lines).toEqual([
    "ok label key",
    "ok address",
    "ok service record",
    "ok queryLabels",
    "ok signatures of queryLabels",
    "ok subscribeLabels",
    "ok signatures of subscribeLabels",
  ]);
});

const swallow: Upgrade = (incoming, socket, head) => {
  passUpgrade(() => inner)(incoming, Object.assign(socket, { write: firstWrite(socket) }), head);
};
/** Lets the handshake through and holds back the rest, as a proxy that buffers. */
function firstWrite(socket: Duplex): typeof socket.write {
  const write = socket.write.bind(socket) as (chunk: unknown) => boolean;
  let handshake = true;
  return ((chunk: unknown) => {
    if (!handshake) return true;
    handshake = false;
    return write(chunk);
  }) as typeof socket.write;
}

test.each<[string, Upgrade | undefined, RegExp, RegExp]>([
  ["does not know of upgrades", undefined, /answered 426/, /proxy_set_header Upgrade/],
  [
    "does not reach the labeler",
    (_, socket) => socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"),
    /answered 502/,
    /does not reach atmos/,
  ],
  [
    "sends the path elsewhere",
    (_, socket) => socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
    /answered 404/,
    /xrpc\/com\.atproto\.label/,
  ],
  ["hangs up", (_, socket) => socket.destroy(), /no WebSocket opens/, /reachable/],
  ["buffers", swallow, /no frame comes/, /buffering/],
])("a proxy that %s is explained", async (_, options, text, remedy) => {
  const { faults } = await run(await proxied(options));
  expect(faults).toMatchObject([
    { probe: "subscribeLabels", text: expect.stringMatching(text), remedy: expect.stringMatching(remedy) },
  ]);
});

test.each<[string, () => Promise<unknown>, string, RegExp]>([
  ["an unknown DID", async () => (did = `did:plc:${"a".repeat(24)}`), "DID document", /knows no/],
  [
    "another key in the DID document",
    async () =>
      repos.updateIdentity(did, {
        verificationMethods: { atproto_label: (await Secp256k1Keypair.create()).did() },
      }),
    "signatures of queryLabels",
    /4 of 4|2 of 2/,
  ],
  [
    "no record",
    () => repos.deleteRecord(did, LABELER_SERVICE_COLLECTION, "self"),
    "service record",
    /no client/,
  ],
  ["an address with a path", () => address(`${inner.origin}/labels`), "address", /more than an origin/],
  [
    "another address",
    () => address("https://elsewhere.invalid"),
    "address",
    /sends clients to https:\/\/elsewhere/,
  ],
  [
    "a service of another type",
    () =>
      repos.updateIdentity(did, {
        services: { atproto_labeler: { type: "Labeler", endpoint: inner.origin } },
      }),
    "address",
    /not AtprotoLabeler/,
  ],
])("%s is explained", async (_, breakIt, probe, text) => {
  await address(inner.origin);
  await breakIt();
  const { faults } = await run(inner.origin);
  const fault = faults.find((finding) => finding.probe === probe);
  expect(fault?.text).toMatch(text);
  expect(fault?.remedy).toBeTruthy();
});

test("a record of another version is a warning", async () => {
  await address(inner.origin);
  await repos.putRecord(did, LABELER_SERVICE_COLLECTION, "self", { policies: { labelValues: [] } });
  expect((await run()).lines).toContain("warn service record");
});

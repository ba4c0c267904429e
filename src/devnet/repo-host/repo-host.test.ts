import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DidResolver } from "@atproto/identity";
import type { LexMap } from "@atproto/lex";
import { cborDecodeAll } from "@atproto/lex-cbor";
import { readCarWithRoot, verifyProofs, verifyRecords, verifyRepoCar } from "@atproto/repo";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { MovableClock } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import { plcMigration, startPlc } from "../plc.ts";
import { repoHostMigration, startRepoHost, type RunningRepoHost } from "./index.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

const NSID = "community.email.attestation";
const clock = new MovableClock(1_800_000_000_000);

async function devnet() {
  const db = new Database(":memory:", [plcMigration, repoHostMigration]);
  open.push(db);
  const plc = await startPlc({ db, clock, host: "127.0.0.1", port: 0 });
  open.push(plc);
  const host = await startRepoHost({ db, clock, host: "127.0.0.1", port: 0, plcUrl: plc.url });
  open.push(host);
  return { host, plcUrl: plc.url, resolver: new DidResolver({ plcUrl: plc.url, fetch }) };
}

async function bytes(
  host: RunningRepoHost,
  method: string,
  query: Record<string, string>,
): Promise<Uint8Array> {
  const response = await fetch(`${host.url}/xrpc/${method}?${new URLSearchParams(query)}`);
  expect(response.headers.get("content-type")).toBe("application/vnd.ipld.car");
  return new Uint8Array(await response.arrayBuffer());
}

async function json(host: RunningRepoHost, method: string, query: Record<string, string> = {}) {
  const response = await fetch(`${host.url}/xrpc/${method}?${new URLSearchParams(query)}`);
  return (await response.json()) as Record<string, unknown>;
}

/** Reads frames until `count` have come. */
async function frames(host: RunningRepoHost, count: number, cursor?: number | string) {
  const query = cursor === undefined ? "" : `?cursor=${cursor}`;
  const ws = new WebSocket(`${host.url.replace("http", "ws")}/xrpc/com.atproto.sync.subscribeRepos${query}`);
  open.push({ close: () => ws.terminate() });
  const seen: { header: LexMap; body: LexMap }[] = [];
  await new Promise<void>((done, failed) => {
    ws.on("error", failed);
    ws.on("message", (data: Buffer) => {
      const [header, body] = [...cborDecodeAll(data)] as [LexMap, LexMap];
      seen.push({ header, body });
      if (seen.length === count) done();
    });
  });
  return seen;
}

describe("repository host", () => {
  it("proves a record, and its absence, to whoever knows only the DID", async () => {
    const { host, resolver } = await devnet();
    const { did } = await host.createAccount({ handle: "alder.test" });
    const { signingKey, pds, handle } = await resolver.resolveAtprotoData(did);
    expect({ pds, handle }).toEqual({ pds: host.url, handle: "alder.test" });
    const absent = await bytes(host, "com.atproto.sync.getRecord", {
      did,
      collection: NSID,
      rkey: "alder.test",
    });
    expect(await verifyRecords(absent, did, signingKey)).toEqual([]);
    const claim = { collection: NSID, rkey: "alder.test", cid: null };
    expect((await verifyProofs(absent, [claim], did, signingKey)).verified).toEqual([claim]);

    const written = await host.putRecord(did, NSID, "alder.test", { domain: "alder.test" });
    const proof = await bytes(host, "com.atproto.sync.getRecord", {
      did,
      collection: NSID,
      rkey: "alder.test",
    });
    expect(await verifyRecords(proof, did, signingKey)).toEqual([
      { collection: NSID, rkey: "alder.test", record: { $type: NSID, domain: "alder.test" } },
    ]);
    expect(
      await json(host, "com.atproto.repo.getRecord", {
        repo: "alder.test",
        collection: NSID,
        rkey: "alder.test",
      }),
    ).toEqual({
      uri: written.uri,
      cid: written.cid,
      value: { $type: NSID, domain: "alder.test" },
    });
  });

  it("keeps a whole repository consistent through updates, twins and deletions", async () => {
    const { host, resolver } = await devnet();
    const { did } = await host.createAccount({ handle: "alder.test" });
    const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
    for (const rkey of keys) await host.putRecord(did, NSID, rkey, { domain: "same.test" });
    for (const rkey of keys.slice(0, 10)) expect(await host.deleteRecord(did, NSID, rkey)).toBe(true);
    expect(await host.deleteRecord(did, NSID, "k0")).toBe(false);
    await host.putRecord(did, NSID, "k20", { domain: "other.test" });
    const { signingKey } = await resolver.resolveAtprotoData(did);
    const car = await bytes(host, "com.atproto.sync.getRepo", { did });
    const { creates, commit } = await verifyRepoCar(car, did, signingKey);
    expect(creates.map((op) => op.rkey).sort()).toEqual(keys.slice(10).sort());
    expect(await json(host, "com.atproto.sync.getLatestCommit", { did })).toEqual({
      cid: commit.cid.toString(),
      rev: commit.rev,
    });
    const page = await json(host, "com.atproto.repo.listRecords", {
      repo: did,
      collection: NSID,
      limit: "15",
    });
    const rest = await json(host, "com.atproto.repo.listRecords", {
      repo: did,
      collection: NSID,
      limit: "15",
      cursor: String(page["cursor"]),
    });
    expect([page["records"], rest["records"]].map((list) => (list as unknown[]).length)).toEqual([15, 5]);
    expect(rest["cursor"]).toBeUndefined();
  });

  it("is the same after a restart", async () => {
    const directory = mkdtempSync(join(tmpdir(), "repo-host-"));
    open.push({ close: () => rmSync(directory, { recursive: true }) });
    const { plcUrl } = await devnet();
    const start = async () => {
      const db = new Database(join(directory, "devnet.db"), [repoHostMigration]);
      const host = await startRepoHost({ db, clock, host: "127.0.0.1", port: 0, plcUrl });
      const close = async () => {
        await host.close();
        db.close();
      };
      return { ...host, close };
    };
    const host = await start();
    const account = await host.createAccount({ handle: "birch.test" });
    const written = await host.putRecord(account.did, NSID, "a", { domain: "birch.test" });
    await host.close();

    const again = await start();
    open.push(again);
    expect(await again.createAccount({ handle: "birch.test" })).toEqual(account);
    expect(await again.putRecord(account.did, NSID, "a", { domain: "birch.test" })).toEqual(written);
    expect((await frames(again, 4, 0)).map(({ body }) => body["seq"])).toEqual([1, 2, 3, 4]);
    const { rev } = await again.putRecord(account.did, NSID, "b", { domain: "b.test" });
    expect(rev > written.rev).toBe(true);
  });

  it("puts the keys and services of a labeler into its DID document, and rotates the signing key", async () => {
    const { host, resolver } = await devnet();
    const label = "did:key:zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF";
    const { did } = await host.createAccount({
      handle: "labels.test",
      verificationMethods: { atproto_label: label },
    });
    await host.updateIdentity(did, {
      services: { atproto_labeler: { type: "AtprotoLabeler", endpoint: "http://127.0.0.1:2" } },
    });
    const before = await resolver.resolveAtprotoData(did);
    await host.rotateSigningKey(did);
    const after = await resolver.resolveAtprotoData(did, true);
    expect(after.signingKey).not.toBe(before.signingKey);
    const car = await bytes(host, "com.atproto.sync.getRepo", { did });
    await expect(verifyRepoCar(car, did, before.signingKey)).rejects.toThrow();
    expect((await verifyRepoCar(car, did, after.signingKey)).commit.rev).toBeTypeOf("string");
    const document = await resolver.ensureResolve(did, true);
    expect(document.verificationMethod).toHaveLength(2);
    expect(document.service?.map((service) => service.id)).toEqual(["#atproto_pds", "#atproto_labeler"]);
  });

  it("lists repositories and answers errors as XRPC does", async () => {
    const { host } = await devnet();
    const alder = await host.createAccount({ handle: "alder.test" });
    const birch = await host.createAccount({ handle: "birch.test" });
    await host.putRecord(birch.did, NSID, "birch.test", { domain: "birch.test" });
    await host.setStatus(alder.did, "deactivated");
    const { repos } = await json(host, "com.atproto.sync.listRepos");
    expect(repos).toHaveLength(2);
    expect(await json(host, "com.atproto.sync.listReposByCollection", { collection: NSID })).toEqual({
      repos: [{ did: birch.did }],
    });
    expect(await json(host, "com.atproto.sync.getRepo", { did: alder.did })).toMatchObject({
      error: "RepoDeactivated",
    });
    expect(await json(host, "com.atproto.sync.getRepo", { did: "did:plc:none" })).toMatchObject({
      error: "RepoNotFound",
    });
    expect(
      await json(host, "com.atproto.sync.getRecord", { did: birch.did, collection: "no", rkey: "a" }),
    ).toMatchObject({ error: "InvalidRequest" });
    expect(await json(host, "com.atproto.sync.nothing")).toMatchObject({ error: "MethodNotImplemented" });
  });
});

describe("subscribeRepos", () => {
  it("replays from a cursor and goes on live without a gap", async () => {
    const { host, resolver } = await devnet();
    const { did } = await host.createAccount({ handle: "alder.test" });
    await host.putRecord(did, NSID, "k0", { domain: "k0.test" });
    const reading = frames(host, 8, 0);
    for (const rkey of ["k1", "k2", "k3"]) await host.putRecord(did, NSID, rkey, { domain: `${rkey}.test` });
    await host.deleteRecord(did, NSID, "k1");
    const seen = await reading;
    expect(seen.map(({ body }) => body["seq"])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(seen.map(({ header }) => header["t"])).toEqual([
      "#identity",
      "#account",
      ...Array(6).fill("#commit"),
    ]);
    const last = seen.at(-1)!.body;
    expect(last).toMatchObject({ repo: did, ops: [{ action: "delete", path: `${NSID}/k1`, cid: null }] });
    const written = seen[4]!.body;
    const { signingKey } = await resolver.resolveAtprotoData(did);
    const car = written["blocks"] as Uint8Array;
    expect((await readCarWithRoot(car)).root.toString()).toBe(String(written["commit"]));
    expect(await verifyRecords(car, did, signingKey)).toMatchObject([{ rkey: "k1" }]);
  });

  it("starts with what is new when there is no cursor, and refuses one from the future", async () => {
    const { host } = await devnet();
    const { did } = await host.createAccount({ handle: "alder.test" });
    expect(await frames(host, 1, 99)).toMatchObject([
      { header: { op: -1 }, body: { error: "FutureCursor" } },
    ]);
    expect(await frames(host, 1, "x")).toMatchObject([{ body: { error: "InvalidRequest" } }]);
    const ws = new WebSocket(`${host.url.replace("http", "ws")}/xrpc/com.atproto.sync.subscribeRepos`);
    open.push({ close: () => ws.terminate() });
    await new Promise((done) => ws.on("open", done));
    const first = new Promise<Buffer>((done) => ws.on("message", done));
    await host.putRecord(did, NSID, "a", { domain: "a.test" });
    const [, body] = [...cborDecodeAll(await first)] as [LexMap, LexMap];
    expect(body).toMatchObject({ seq: 4, ops: [{ path: `${NSID}/a` }] });
  });
});

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allowlistCheck } from "../src/cli/allowlist/check.ts";
import { allowlistDiff } from "../src/cli/allowlist/diff.ts";
import { allowlistRelease, allowlistStatus } from "../src/cli/allowlist/running.ts";
import { allowlistVerify } from "../src/cli/allowlist/verify.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand } from "./run-command.ts";

let opened: Awaited<ReturnType<typeof openSandbox>>;
beforeAll(async () => {
  opened = await openSandbox({
    operators: [
      { name: "Alder", domain: "alder.test", perDay: 10 },
      { name: "Birch", domain: "birch.test", perDay: 10 },
      { name: "Cedar", domain: "cedar.test", perDay: 10 },
    ],
  });
  await opened.sandbox.settle();
}, 60_000);
afterAll(() => opened.close());

const url = (path: string) => `${opened.sandbox.urls.web}/allowlist/${path}`;
const didOf = (domain: string) => opened.sandbox.serve.core!.members.domain(domain)!.did;
const listing = async (params: Record<string, string>) => {
  const query = new URLSearchParams(params);
  const response = await fetch(`${opened.sandbox.urls.web}/xrpc/community.email.getListing?${query}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const verify = async (where: string, more: object = {}) => {
  const { code, text } = await runCommand(() =>
    allowlistVerify(where, { env: opened.env, json: true, ...more }),
  );
  return {
    code,
    found: JSON.parse(text) as Record<string, unknown> & { bad: { of: string; why: string }[] },
  };
};
const snapshot = async () => await (await fetch(url("snapshot.json"))).text();
function saved(name: string, text: string): string {
  const path = join(opened.dir, name);
  writeFileSync(path, text);
  return path;
}

test("the snapshot is fetched once, and then only when it is another", async () => {
  const first = await fetch(url("snapshot.json"));
  const text = await first.text();
  const { id } = JSON.parse(text) as { id: string };
  expect(
    createHash("sha256")
      .update(text.slice(0, text.indexOf('"id":"')))
      .digest("hex"),
  ).toBe(id);
  expect(first.headers.get("etag")).toBe(`"${id}"`);
  expect(Number(first.headers.get("content-length"))).toBe(text.length);
  const again = await fetch(url("snapshot.json"), { headers: { "if-none-match": `"${id}"` } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  const kept = await fetch(url(`snapshots/${id}.json`));
  expect([await kept.text(), kept.headers.get("cache-control")]).toEqual([text, "public, max-age=31536000"]);
  expect((await fetch(url(`snapshots/${"0".repeat(64)}.json`))).status).toBe(404);
  expect((await fetch(url("snapshots/..%2f..%2flist.key"))).status).toBe(404);
  const map = await (await fetch(url("maps/dkim-domains.map"))).text();
  expect(map.split("\n").slice(1)).toEqual(["alder.test", "birch.test", "cedar.test", ""]);
  expect(await (await fetch(url("zones/wl.coop.test.rbldnsd"))).text()).toContain("alder.test :127.0.6.");
});

test("every entry is proved by the network alone: signatures, records, the announced key", async () => {
  const { code, found } = await verify(url("snapshot.json"));
  expect(found).toMatchObject({
    ok: true,
    isWhole: true,
    isSigned: true,
    entries: 3,
    addresses: 3,
    good: 6,
    bad: [],
    unknown: [],
  });
  expect(found["announced"]).toEqual({ status: "good" });
  expect(code).toBe(0);
});

test("what somebody changed is found out, each by its name", async () => {
  const text = await snapshot();
  const forged: [string, string, RegExp][] = [
    ["a label of another time", text.replace(/"cts":"\d{4}/, '"cts":"2020'), /signature/],
    ["a code that nobody gave", text.replace("127.0.6.1", "127.0.6.2"), /its code/],
    ["another version of a record", text.replace(/"cid":"bafyrei..../, '"cid":"bafyreiaaaa'), /version/],
    ["a domain of somebody else", text.replaceAll("alder.test", "aspen.test"), /signature/],
  ];
  for (const [what, changed, why] of forged) {
    const { code, found } = await verify(saved("forged.json", changed));
    expect([what, code, found["isWhole"], found.bad.length]).toEqual([what, 1, false, 1]);
    expect(found.bad[0]!.why).toMatch(why);
  }
  const { code, found } = await verify(saved("whole.json", text), { labeler: ["did:plc:somebody"] });
  expect([code, found.bad.length]).toEqual([1, 3]);
  await expect(verify(saved("cut.json", text.slice(0, 900)))).rejects.toThrow(/cut off|cannot be read/);
});

test("it is asked by domain, account and address, with how each entry came there", async () => {
  const { body } = await listing({ domain: "Alder.test" });
  expect(body).toMatchObject({
    zone: "wl.coop.test",
    listed: true,
    entries: [{ name: "alder.test", did: didOf("alder.test") }],
  });
  expect(body["changes"]).toMatchObject([{ name: "alder.test", change: "added" }]);
  expect((await listing({ did: didOf("birch.test") })).body).toMatchObject({
    entries: [{ name: "birch.test" }],
  });
  expect((await listing({ domain: "nobody.test" })).body).toMatchObject({
    listed: false,
    entries: [],
    changes: [],
  });
  expect((await listing({ domain: "coop.test" })).body).toMatchObject({ listed: false, reason: /pool/ });
  expect((await listing({ address: "2001:DB8::1" })).body).toMatchObject({ listed: false });
  expect((await listing({ domain: "no domain" })).status).toBe(400);
  expect((await listing({})).body).toMatchObject({ error: "InvalidRequest" });
});

test("who runs the list sees how it is, and lets in what waits", async () => {
  const run = async (command: () => Promise<number>) => {
    const { code, text } = await runCommand(command);
    return { code, ...(JSON.parse(text) as Record<string, unknown>) };
  };
  const options = { env: opened.env, json: true };
  const { store, publication } = opened.sandbox.serve.zone!;
  expect(await run(() => allowlistStatus(options))).toMatchObject({ code: 0, entries: 6, waiting: 0 });
  opened.sandbox.clock.advance(1_000);
  const now = opened.sandbox.clock.now();
  for (let i = 0; i < 205; i++) {
    const key = `new-${i}.example`;
    store.want(key, { key, did: "did:plc:new", code: "127.0.6.1", text: "new", json: "{}" }, now, false);
  }
  expect(await publication.publish()).toMatchObject({ outcome: "refused" });
  expect(await run(() => allowlistStatus(options))).toMatchObject({ waiting: 5 });
  expect(await run(() => allowlistRelease({ ...options, by: "rosa" }))).toMatchObject({
    code: 0,
    released: 5,
    waiting: 0,
    entries: 211,
  });
  for (let i = 0; i < 205; i++) store.want(`new-${i}.example`, undefined, now, false);
  expect(await publication.publish()).toMatchObject({ outcome: "published", entries: 6 });
});

test("atmos allowlist check asks as a mail server does", async () => {
  const check = async (name: string) => {
    const { code, text } = await runCommand(() => allowlistCheck(name, { env: opened.env, json: true }));
    return { code, ...(JSON.parse(text) as Record<string, unknown>) };
  };
  expect(await check("alder.test")).toMatchObject({
    code: 0,
    listed: true,
    codes: ["127.0.6.1"],
    vouched: "transaction",
  });
  expect(await check("nobody.test")).toMatchObject({ code: 1, listed: false, codes: [], vouched: null });
  expect(await check("192.0.2.1")).toMatchObject({ code: 1, listed: false });
  await expect(allowlistCheck("alder.test", { env: opened.env, zone: "bigmail.test" })).rejects.toThrow(
    /no list that works/,
  );
  await expect(allowlistCheck("no domain", { env: opened.env })).rejects.toThrow(/no domain and no address/);
});

test("who withdraws its attestation is gone from every form of the list, and that is all that is said", async () => {
  const before = saved("before.json", await snapshot());
  const { serial } = JSON.parse(await snapshot()) as { serial: number };
  const did = didOf("cedar.test");
  await opened.sandbox.world.repos.deleteRecord(did, "community.email.attestation", "cedar.test");
  await expect.poll(async () => (await listing({ domain: "cedar.test" })).body["listed"]).toBe(false);
  await opened.sandbox.settle();
  const after = saved("after.json", await snapshot());
  const { text } = await runCommand(() => allowlistDiff(before, after, { json: true }));
  expect(JSON.parse(text)).toMatchObject({ added: [], removed: ["cedar.test"], changed: [] });
  const changes = (await (await fetch(url(`changes.json?since=${serial}`))).json()) as object;
  expect(changes).toMatchObject({
    isComplete: true,
    hasMore: false,
    changes: [{ name: "cedar.test", change: "removed", did }],
  });
  expect((await fetch(url("changes.json"))).status).toBe(400);
  expect(await (await fetch(url("zones/wl.coop.test.zone"))).text()).not.toContain("cedar.test");
  // The snapshot of before is still whole and signed; the record that it names is gone.
  const { code, found } = await verify(before);
  expect([code, found["isWhole"], found["isSigned"]]).toEqual([1, true, true]);
  expect(found.bad).toEqual([{ of: "cedar.test", why: "the record is not in the repository any more" }]);
});

test("the pages show the list, an entry with how it came there, settings, and who signed a mail", async () => {
  const page = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${opened.sandbox.urls.web}/allowlist${path}`, init);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    return {
      status: response.status,
      html: (await response.text()).replace(/<[^>]+>/g, " ").replace(/\s+/g, " "),
    };
  };
  expect((await page("")).html).toMatch(/wl\.coop\.test.*Domains 2/);
  const alder = await page("/entry?of=alder.test");
  expect(alder.html).toMatch(/Listed.*127\.0\.6\.1 : a verified member.*How it came there.*listed/);
  expect((await page(`/entry?of=${didOf("alder.test")}`)).html).toContain("alder.test");
  // Gone a moment ago: when, and not why.
  const cedar = await page("/entry?of=cedar.test");
  expect(cedar.html).toMatch(/Not listed.*not listed any more/);
  expect(cedar.html).not.toMatch(/attestation was|deleted|suspend|negat/i);
  expect((await page("/entry?of=coop.test")).html).toMatch(/never be listed.*pool/);
  expect((await page("/entry?of=%3Cscript%3E")).html).toMatch(/no domain, no account/);
  expect((await page("/settings/rspamd")).html).toContain("dwl.wl.coop.test");
  expect((await page("/settings/nothing")).status).toBe(404);
  const paste = (header: string) => page("/mail", { method: "POST", body: new URLSearchParams({ header }) });
  const signed = "DKIM-Signature: v=1; d=alder.test; s=s1; b=A\r\nFrom: ada@alder.test\r\n";
  expect((await paste(signed)).html).toMatch(/Its own domain signed it, and is listed/);
  expect((await paste(signed.replace("ada@alder.test", "ada@bank.test"))).html).toMatch(
    /Nothing here vouches for it/,
  );
  expect((await paste("Hello")).html).toMatch(/That is no header/);
  expect((await paste("x".repeat(300_000))).status).toBe(413);
});

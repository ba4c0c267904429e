import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { longApiOf } from "../src/cli/api.ts";
import {
  suppressionAdd,
  suppressionExport,
  suppressionImport,
  suppressionList,
  suppressionRelease,
  suppressionSearch,
  suppressionUndoIncident,
} from "../src/cli/suppression.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand } from "./run-command.ts";

let dir: string;
let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;

beforeAll(async () => {
  ({ dir, env, sandbox, close } = await openSandbox());
  did = sandbox.serve.core!.members.domain("alder.test")!.did;
});
afterAll(() => close());

async function run(command: () => Promise<number>, exit = 0): Promise<string> {
  const { code, text } = await runCommand(command);
  expect(code).toBe(exit);
  return text;
}
const file = (text: string) => {
  const path = join(dir, "list.csv");
  writeFileSync(path, text);
  return path;
};
const usual = { limit: "50" };

async function api(method: string, path: string) {
  const { username, secret } = sandbox.operators[0]!;
  const response = await fetch(`${sandbox.urls.web}/v1${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}` },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("add, list, search, release", async () => {
  const by = "rosa";
  await run(() => suppressionAdd("Ada@bigmail.test", { env, did, by, streams: "all", days: "30" }));
  const shown = await run(() => suppressionList({ env, did, ...usual }));
  expect(shown).toMatch(/bigmail\.test +manual +all/);
  expect(shown).not.toContain("ada@");
  expect(await run(() => suppressionSearch("ada@bigmail.test", { env }))).toContain(did);
  await run(() => suppressionSearch("ben@bigmail.test", { env }), 1);
  expect(await run(() => suppressionRelease("ada@bigmail.test", { env, did, by }))).toContain("Released: 1");
  await run(() => suppressionSearch("ada@bigmail.test", { env }), 1);
  await expect(suppressionRelease("ada@bigmail.test", { env, did, by })).rejects.toThrow(
    /Nothing is in force/,
  );
  await expect(suppressionAdd("no address", { env, did, by, streams: "all" })).rejects.toThrow(
    /not an address/,
  );
  await expect(suppressionAdd("a@b.test", { env, by, streams: "all" })).rejects.toThrow(
    /--did DID, or --pool/,
  );
});

test("import takes all of a file or nothing of it, and says which lines are bad", async () => {
  const text = "email,reason\nada@a.test,SpamComplaint\nnot an address,x\nben@b.test,Unsubscribe\n";
  const options = { env, did, by: "rosa", reason: "import" };
  const refused = await run(() => suppressionImport(file(text), options), 1);
  expect(refused).toContain("line 3: it is not an address");
  expect(refused).toContain("Nothing was taken in");
  await run(() => suppressionSearch("ada@a.test", { env }), 1);
  expect(await run(() => suppressionImport(file(text), { ...options, skipBad: true }))).toContain(
    "2 are new on the list",
  );
  const answer = await run(() => suppressionSearch("ben@b.test", { env, json: true }));
  expect(JSON.parse(answer)).toMatchObject({
    entries: [{ reason: "unsubscribe", streams: "bulk", of: did }],
  });
});

test("a long list is told how far it is, and again changes nothing", async () => {
  const lines = Array.from({ length: 1_200 }, (_, n) => `p${n}@long.test,bounce`).join("\n");
  const options = { env, did, by: "rosa", reason: "import" };
  const heard: number[] = [];
  const body = { text: lines, of: did, by: "rosa" };
  const answer = await longApiOf(env)("/suppression/import", body, ({ lookedAt }) => {
    if (typeof lookedAt === "number") heard.push(lookedAt);
  });
  expect(answer).toMatchObject({ done: true, lines: 1_200, added: 1_200 });
  expect(heard).toEqual([0, 500, 1_000, 1_200]);
  expect(await run(() => suppressionImport(file(lines), options))).toContain("0 are new on the list");
  await expect(longApiOf(env)("/suppression/import", { text: 7, by: "rosa" }, () => {})).rejects.toThrow(
    /^text is missing/,
  );
  for (const { id } of sandbox.serve.core!.suppressions.list({ domain: "long.test", limit: 9_999 }))
    await sandbox.serve.core!.suppressions.release(id, "rosa");
});

test.each<[string, string[], boolean]>([
  ["is silent", ['{"lookedAt":500,"lines":1000}\n'], false],
  ["breaks off", ['{"lookedAt":500,"li'], true],
  ["ends before its answer", ['{"lookedAt":500,"lines":1000}\n'], true],
])("a server that %s: the command says to do the same again", async (_, said, ends) => {
  const server = createServer((_request, response) => {
    for (const text of said) response.write(text);
    if (ends) response.end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const away = join(dir, "away.env");
  writeFileSync(away, `${readFileSync(env, "utf8")}\nATMOS_HTTP_ADDRESS=127.0.0.1:${port}\n`);
  await expect(longApiOf(away, 200)("/x", {}, () => {})).rejects.toThrow(/takes up where it was/);
  server.closeAllConnections();
  server.close();
});

test("a file of a spreadsheet: UTF-16 and tabs", async () => {
  const text = "\uFEFFE-Mail\tReason\r\nutf@a.test\tmanual\r\n";
  const options = { env, did, by: "rosa", reason: "import" };
  for (const bytes of [Buffer.from(text, "utf16le"), Buffer.from(text, "utf16le").swap16()]) {
    const path = join(dir, "list.txt");
    writeFileSync(path, bytes);
    expect(await run(() => suppressionImport(path, options))).toContain("1 are new on the list");
    await run(() => suppressionRelease("utf@a.test", { env, by: "rosa" }));
  }
});

test("an incident of a provider is undone by hand, with its time and why", async () => {
  const asked = { env, by: "rosa", provider: "other", why: "it refused valid users" };
  const day = { from: "2026-01-01T00:00Z", to: "2026-01-02T00:00+01:00" };
  expect(await run(() => suppressionUndoIncident({ ...asked, ...day }), 1)).toContain("refused nobody");
  await expect(suppressionUndoIncident({ ...asked, ...day, from: "yesterday" })).rejects.toThrow(
    /not a time with its zone, such as 2026-01-31T08:00Z/,
  );
  await expect(suppressionUndoIncident({ ...asked, from: day.to, to: day.from })).rejects.toThrow(
    /from must be before to/,
  );
});

test("export has hashes and no addresses, and goes back in with its reasons", async () => {
  const out = join(dir, "out.csv");
  await run(() => suppressionAdd("eve@c.test", { env, pool: true, by: "rosa", streams: "all" }));
  await run(() => suppressionExport({ env, format: "csv", out }));
  const text = readFileSync(out, "utf8");
  expect(text).not.toContain("@");
  expect(text.trim().split("\n")).toHaveLength(4);
  for (const address of ["ada@a.test", "ben@b.test", "eve@c.test"])
    await run(() => suppressionRelease(address, { env, by: "rosa" }));
  expect(await run(() => suppressionList({ env, ...usual }))).toContain("Nothing is suppressed");
  const again = await run(() => suppressionImport(out, { env, by: "rosa", reason: "import" }));
  expect(again).toContain("3 are new on the list");
  const { entries } = JSON.parse(await run(() => suppressionList({ env, json: true, ...usual }))) as {
    entries: { of: string; reason: string; expiresAt: null }[];
  };
  expect(entries.map(({ of, reason, expiresAt }) => [of, reason, expiresAt]).sort()).toEqual([
    [did, "complaint", null],
    [did, "unsubscribe", null],
    ["pool", "manual", null],
  ]);
});

test("a member's programs see what binds them and release it", async () => {
  await sandbox.settle();
  const list = await api("GET", "/suppressions");
  expect(list).toMatchObject({ status: 200, body: { next: null } });
  expect((list.body["suppressions"] as { reason: string }[]).map(({ reason }) => reason).sort()).toEqual([
    "complaint",
    "unsubscribe",
  ]);
  expect((await api("GET", "/suppressions?address=eve@c.test")).body).toMatchObject({
    suppressions: [{ scope: "pool", domain: "c.test" }],
  });
  for (const address of ["ada@a.test", "eve@c.test"]) {
    expect(await api("DELETE", `/suppressions/${address}`)).toEqual({
      status: 200,
      body: { released: 1, pending: false },
    });
    expect((await api("DELETE", `/suppressions/${address}`)).status).toBe(404);
  }
  // It passes the pool's entry for itself alone.
  expect(sandbox.serve.core!.suppressions.list({ did: null, limit: 5 })).toHaveLength(1);
  expect((await api("DELETE", "/suppressions/none")).status).toBe(400);
});

test("100,000 entries reach a node, and one is found at once", async () => {
  const { core, relay } = sandbox.serve;
  const key = (i: number) => String(i).padStart(22, "0");
  for (let part = 0; part < 2; part++) {
    const lines = Array.from({ length: 50_000 }, (_, i) => ({
      line: i + 1,
      key: key(part * 50_000 + i),
      domain: "many.test",
      reason: "import" as const,
      streams: "all" as const,
    }));
    expect(await core!.suppressions.takeIn(lines, did, "rosa")).toBe(50_000);
  }
  await sandbox.settle();
  expect(core!.suppressions.counts().find(({ reason }) => reason === "import")?.n).toBe(100_000);
  await run(() => suppressionAdd("last@many.test", { env, did, by: "rosa", streams: "all" }));
  await sandbox.settle();
  const began = performance.now();
  for (let i = 0; i < 1_000; i++) relay!.suppressions.check(did, `somebody${i}@many.test`, undefined);
  expect((performance.now() - began) / 1_000).toBeLessThan(1);
  expect(relay!.suppressions.check(did, "last@many.test", undefined)).toContain("by hand");
}, 60_000);

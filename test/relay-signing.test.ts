import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MovableClock } from "../src/lib/clock.ts";
import type { DkimKeyPolicy, MemberPolicy } from "../src/policy/index.ts";
import {
  client,
  createSink,
  member,
  newDirectory,
  signatures,
  startRelay,
  stopRelay,
  told,
  type Testbed,
} from "./relay-harness.ts";

let dir: ReturnType<typeof newDirectory>;
let sink: Awaited<ReturnType<typeof createSink>>;
let bed: Testbed;
beforeEach(async () => {
  dir = newDirectory();
  sink = await createSink();
  bed = await startRelay(dir.path, sink.port, new MovableClock(Date.now()));
});
afterEach(async () => {
  await stopRelay(bed);
  await sink.close();
  dir.remove();
});

const mail = { from: "alice@member.test", to: ["bob@a.test", "carol@b.test"], subject: "x", text: "x" };
const withKeys = (version: number, keys: DkimKeyPolicy[]): MemberPolicy => ({
  ...member,
  version,
  domains: member.domains.map((d) => ({ ...d, keys })),
});
const [rsa, ed25519] = member.domains[0]!.keys as [DkimKeyPolicy, DkimKeyPolicy];
const ALL = ["member.test rsa-sha256 pass", "member.test ed25519-sha256 pass", "pool.test rsa-sha256 pass"];

test.each<[string, DkimKeyPolicy[]]>([
  ["a key does not open", [rsa, { ...ed25519, sealed: "not ours" }]],
  ["there is no key", []],
])("when %s the mail is held, and leaves signed when it can be", async (_name, keys) => {
  await bed.book.apply(withKeys(2, keys));
  const { response } = await client(bed).sendMail({
    ...mail,
    text: "x".repeat(200_000).replace(/.{70}/g, "$&\n"),
  });
  expect(response).toMatch(/^250 2\.0\.0 Held as \w+ \[signing\]$/);
  expect((await told(bed))[0]!.data).toMatchObject({
    action_name: "message_held",
    data: { detail: { reason: "signing" } },
  });
  await bed.relay.signHeld();
  bed.clock.advance(3_600_000);
  await bed.relay.settle();
  const { entries } = await bed.spool.list({ states: ["held"] });
  expect(entries.map((e) => e.hold)).toMatchObject([{ owner: "signing" }, { owner: "signing" }]);
  await bed.book.apply(withKeys(3, [rsa, ed25519]));
  await bed.relay.settle();
  expect(sink.received.map((m) => m.to).sort()).toEqual(mail.to);
  for (const { raw } of sink.received) expect(await signatures(raw, bed.clock.now())).toEqual(ALL);
});

test("what was signed late stays where a policy holds it", async () => {
  await bed.book.apply(withKeys(2, []));
  await client(bed).sendMail(mail);
  await bed.book.apply({ ...member, version: 3, standing: "suspended" });
  await bed.relay.signHeld();
  await bed.relay.settle();
  expect(sink.received).toEqual([]);
  const { entries } = await bed.spool.list({ states: ["held"] });
  expect(entries.map((e) => e.hold?.reason)).toEqual(["suspended", "suspended"]);
});

test("unsigned mail does not leave, whatever the spool says of it", async () => {
  await bed.book.apply(withKeys(2, []));
  await client(bed).sendMail({ ...mail, to: "bob@a.test" });
  await stopRelay(bed);
  const db = new DatabaseSync(join(dir.path, "spool.sqlite"));
  db.exec("UPDATE message SET unsigned = 0; UPDATE recipient SET state = 'queued', hold_reason = NULL");
  db.close();
  bed = await startRelay(dir.path, sink.port, bed.clock);
  await bed.relay.settle();
  expect(sink.received).toEqual([]);
  expect(await bed.spool.counts()).toEqual({ deferred: 1 });
});

test("keys may change between two messages", async () => {
  const selectors = () =>
    sink.received.map((m) => [...m.raw.matchAll(/^ d=([\w.]+); s=(\w+);/gm)].map((x) => `${x[2]}.${x[1]}`));
  await client(bed).sendMail({ ...mail, to: "bob@a.test" });
  await bed.relay.settle();
  await bed.book.apply(
    withKeys(2, [
      { ...rsa, selector: "r2" },
      { ...ed25519, selector: "e2" },
    ]),
  );
  await client(bed).sendMail({ ...mail, to: "bob@a.test" });
  await bed.relay.settle();
  expect(selectors()).toEqual([
    ["r1.member.test", "e1.member.test", "p1.pool.test"],
    ["r2.member.test", "e2.member.test", "p1.pool.test"],
  ]);
});

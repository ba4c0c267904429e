import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DkimKeyPolicy, MemberPolicy } from "../src/policy/index.ts";
import { client, member, signatures, told } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();

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
  await here.bed.book.apply(withKeys(2, keys));
  const { response } = await client(here.bed).sendMail({
    ...mail,
    text: "x".repeat(200_000).replace(/.{70}/g, "$&\n"),
  });
  expect(response).toMatch(/^250 2\.0\.0 Held as \w+ \[signing\]$/);
  expect((await told(here.bed))[0]!.data).toMatchObject({
    action_name: "message_held",
    data: { detail: { reason: "signing" } },
  });
  await here.bed.relay.signHeld();
  here.bed.clock.advance(3_600_000);
  await here.bed.relay.settle();
  const { entries } = await here.bed.spool.list({ states: ["held"] });
  expect(entries.map((e) => e.hold)).toMatchObject([{ owner: "signing" }, { owner: "signing" }]);
  await here.bed.book.apply(withKeys(3, [rsa, ed25519]));
  await here.bed.relay.settle();
  expect(here.sink.received.map((m) => m.to).sort()).toEqual(mail.to);
  for (const { raw } of here.sink.received) expect(await signatures(raw, here.bed.clock.now())).toEqual(ALL);
});

test("what was signed late stays where a policy holds it", async () => {
  await here.bed.book.apply(withKeys(2, []));
  await client(here.bed).sendMail(mail);
  await here.bed.book.apply({ ...member, version: 3, standing: "suspended" });
  await here.bed.relay.signHeld();
  await here.bed.relay.settle();
  expect(here.sink.received).toEqual([]);
  const { entries } = await here.bed.spool.list({ states: ["held"] });
  expect(entries.map((e) => e.hold?.reason)).toEqual(["suspended", "suspended"]);
});

test("unsigned mail does not leave, whatever the spool says of it", async () => {
  await here.bed.book.apply(withKeys(2, []));
  await client(here.bed).sendMail({ ...mail, to: "bob@a.test" });
  await here.restart({}, () => {
    const db = new DatabaseSync(join(here.directory.path, "spool.sqlite"));
    db.exec("UPDATE message SET unsigned = 0; UPDATE recipient SET state = 'queued', hold_reason = NULL");
    db.close();
  });
  await here.bed.relay.settle();
  expect(here.sink.received).toEqual([]);
  expect(await here.bed.spool.counts()).toEqual({ deferred: 1 });
});

test("keys may change between two messages", async () => {
  const selectors = () =>
    here.sink.received.map((m) =>
      [...m.raw.matchAll(/^ d=([\w.]+); s=(\w+);/gm)].map((x) => `${x[2]}.${x[1]}`),
    );
  await client(here.bed).sendMail({ ...mail, to: "bob@a.test" });
  await here.bed.relay.settle();
  await here.bed.book.apply(
    withKeys(2, [
      { ...rsa, selector: "r2" },
      { ...ed25519, selector: "e2" },
    ]),
  );
  await client(here.bed).sendMail({ ...mail, to: "bob@a.test" });
  await here.bed.relay.settle();
  expect(selectors()).toEqual([
    ["r1.member.test", "e1.member.test", "p1.pool.test"],
    ["r2.member.test", "e2.member.test", "p1.pool.test"],
  ]);
});

import { beforeAll, expect, test } from "vitest";
import { openingKeyFrom, type OpeningKey } from "../platform/seal.ts";
import { signingKeyFrom, verifyingKeyOf } from "../platform/sign.ts";
import { member } from "./policy.fixture.ts";
import type { MemberPolicy } from "./types.ts";
import { closeSnapshot, openSnapshot, type PolicySnapshot } from "./snapshot.ts";

const core = signingKeyFrom(new Uint8Array(32).fill(1));
const stranger = signingKeyFrom(new Uint8Array(32).fill(2));
const policy: MemberPolicy = { ...member, standing: "suspended" };
let relay: OpeningKey;
let other: OpeningKey;
let snapshot: PolicySnapshot;
beforeAll(async () => {
  relay = await openingKeyFrom(new Uint8Array(32).fill(3));
  other = await openingKeyFrom(new Uint8Array(32).fill(4));
  snapshot = await closeSnapshot(policy, { sealTo: relay, signWith: core });
});
const open = (value: unknown, openWith = relay) =>
  openSnapshot(value, { openWith, signedBy: verifyingKeyOf(core) });

test("a node reads what core said, and at a broker nothing of it can be read", async () => {
  expect(await open(JSON.parse(JSON.stringify(snapshot)))).toEqual({ ok: true, policy });
  const seen = JSON.stringify(snapshot);
  expect(seen).not.toContain("suspended");
  expect(seen).not.toContain(policy.credentials[0]!.hash);
});

test("what a later version adds is passed through", async () => {
  const later = { ...policy, colour: "green" };
  const closed = await closeSnapshot(later, { sealTo: relay, signWith: core });
  expect(await open({ ...closed, more: 1 })).toEqual({ ok: true, policy: later });
});

test.each<[string, () => unknown, RegExp]>([
  ["nothing", () => null, /form/],
  ["a bare policy", () => policy, /form/],
  ["another version", () => ({ ...snapshot, version: snapshot.version + 1 }), /did not sign/],
  ["another member", () => ({ ...snapshot, did: "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb" }), /did not sign/],
  ["another box", () => ({ ...snapshot, box: snapshot.box.replace(/^./, "-") }), /did not sign/],
  ["no signature", () => ({ ...snapshot, signature: "" }), /did not sign/],
])("not believed: %s", async (_, value, why) => {
  expect(await open(value())).toMatchObject({ ok: false, why: expect.stringMatching(why) });
});

test("not believed: a stranger's signature, and what is sealed to others", async () => {
  const forged = await closeSnapshot(policy, { sealTo: relay, signWith: stranger });
  expect(await open(forged)).toMatchObject({ ok: false, why: expect.stringMatching(/did not sign/) });
  expect(await open(snapshot, other)).toMatchObject({
    ok: false,
    why: expect.stringMatching(/another relay secret/),
  });
});

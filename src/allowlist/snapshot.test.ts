import { Secp256k1Keypair } from "@atproto/crypto";
import { describe, expect, test } from "vitest";
import { readSnapshot, SnapshotError, writeSnapshot, type SnapshotPart } from "./snapshot.ts";

const head = (key: string) => ({ zone: "wl.test", serial: 7, issuedAt: "2026-01-01T00:00:00.000Z", key });

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}
async function write(key: Secp256k1Keypair, entries: object[], addresses: object[] = []): Promise<string> {
  let text = "";
  const json = (values: object[]) => each(values.map((value) => JSON.stringify(value)));
  for await (const piece of writeSnapshot(head(key.did()), json(entries), json(addresses), key))
    text += piece.toString();
  return text;
}
async function read(text: string): Promise<SnapshotPart[]> {
  const parts: SnapshotPart[] = [];
  for await (const part of readSnapshot(each(text.split("\n")))) parts.push(part);
  return parts;
}
const tailOf = (parts: SnapshotPart[]) => parts.at(-1) as SnapshotPart & { kind: "tail" };

describe("a snapshot", () => {
  test.each([
    [[], []],
    [[{ domain: "a.test" }], []],
    [[{ domain: "a.test" }, { domain: "b.test" }], [{ address: "192.0.2.1" }]],
  ])("is JSON that reads back line by line: %j %j", async (entries, addresses) => {
    const key = await Secp256k1Keypair.create();
    const text = await write(key, entries, addresses);
    expect(JSON.parse(text)).toMatchObject({
      zone: "wl.test",
      serial: 7,
      key: key.did(),
      entries,
      addresses,
    });
    const parts = await read(text);
    expect(parts[0]).toEqual({ kind: "head", head: head(key.did()) });
    expect(parts.filter((part) => part.kind === "entry").map(({ entry }) => entry)).toEqual(entries);
    expect(parts.filter((part) => part.kind === "address").map(({ entry }) => entry)).toEqual(addresses);
    expect(tailOf(parts)).toMatchObject({ isWhole: true, isSigned: true });
  });

  test("the same list is the same bytes", async () => {
    const key = await Secp256k1Keypair.create();
    expect(await write(key, [{ domain: "a.test" }])).toBe(await write(key, [{ domain: "a.test" }]));
  });

  test("what was changed, added or signed by another is found out", async () => {
    const key = await Secp256k1Keypair.create();
    const text = await write(key, [{ domain: "a.test" }]);
    const changed = tailOf(await read(text.replace("a.test", "b.test")));
    expect(changed).toMatchObject({ isWhole: false, isSigned: true });
    const other = await Secp256k1Keypair.create();
    const stolen = tailOf(await read(text.replace(key.did(), other.did())));
    expect(stolen).toMatchObject({ isWhole: false, isSigned: false });
  });

  test.each<[string, (text: string) => string, RegExp]>([
    ["cut off", (text) => text.slice(0, -200), /cut off|cannot be read/],
    ["empty", () => "", /no snapshot/],
    ["another JSON", () => '{"a":1}', /no snapshot/],
    ["of another form", (text) => text.replace("allowlist/1", "allowlist/9"), /not known here/],
    ["with a line that is no JSON", (text) => text.replace('{"domain":"a.test"}', "{{"), /line 2/],
    ["with a line without end", (text) => text.replace("a.test", "a".repeat(70_000)), /too long/],
    ["without a key", (text) => text.replace(/,"key":"[^"]+"/, ""), /lacks/],
  ])("%s is an error in words", async (_, spoil, why) => {
    const text = await write(await Secp256k1Keypair.create(), [{ domain: "a.test" }]);
    const fault = await read(spoil(text)).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(fault).toBeInstanceOf(SnapshotError);
    expect((fault as Error).message).toMatch(why);
  });
});

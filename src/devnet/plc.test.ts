import { Secp256k1Keypair } from "@atproto/crypto";
import { DidResolver } from "@atproto/identity";
import { Client, createOp, updateHandleOp } from "@did-plc/lib";
import { afterEach, expect, it } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { plcMigration, startPlc } from "./plc.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function plc() {
  const db = new Database(":memory:", [plcMigration]);
  open.push(db);
  const server = await startPlc({
    db,
    clock: new MovableClock(1_800_000_000_000),
    host: "127.0.0.1",
    port: 0,
  });
  open.push(server);
  const key = await Secp256k1Keypair.create();
  const options = {
    signingKey: key.did(),
    handle: "alder.test",
    pds: "http://127.0.0.1:1",
    rotationKeys: [key.did()],
    signer: key,
  };
  return { url: server.url, client: new Client(server.url), key, ...(await createOp(options)) };
}

it("creates, updates and tombstones a DID, and serves what standard clients read", async () => {
  const { url, client, key, op, did } = await plc();
  await client.sendOperation(did, op);
  await client.updateHandle(did, key, "birch.test");
  const data = await new DidResolver({ plcUrl: url, fetch }).resolveAtprotoData(did);
  expect(data).toEqual({ did, handle: "birch.test", pds: "http://127.0.0.1:1", signingKey: key.did() });
  const document = (await client.getDocument(did)) as unknown as { verificationMethod: unknown[] };
  expect(document.verificationMethod).toEqual([
    { id: `${did}#atproto`, type: "Multikey", controller: did, publicKeyMultibase: key.did().slice(8) },
  ]);
  expect(await client.getOperationLog(did)).toHaveLength(2);
  expect(await client.getLastOp(did)).toMatchObject({ alsoKnownAs: ["at://birch.test"] });
  expect(await client.health()).toEqual({ version: "devnet" });
  await client.tombstone(did, key);
  await expect(client.getDocument(did)).rejects.toMatchObject({ status: 410 });
});

it("refuses what the holder of the rotation key did not sign, out of order, or under another DID", async () => {
  const { client, key, op, did } = await plc();
  const stranger = await Secp256k1Keypair.create();
  await expect(client.getDocument(did)).rejects.toMatchObject({ status: 404 });
  await expect(client.sendOperation(`did:plc:${"a".repeat(24)}`, op)).rejects.toMatchObject({ status: 400 });
  await expect(client.sendOperation("did:plc:short", op)).rejects.toMatchObject({ status: 400 });
  await client.sendOperation(did, op);
  await expect(client.updateHandle(did, stranger, "evil.test")).rejects.toMatchObject({ status: 400 });
  const first = await updateHandleOp(op, key, "one.test");
  const second = await updateHandleOp(first, key, "two.test");
  await expect(client.sendOperation(did, second)).rejects.toMatchObject({ status: 400 });
  await client.sendOperation(did, first);
  await client.sendOperation(did, first);
  expect(await client.getOperationLog(did)).toHaveLength(2);
});

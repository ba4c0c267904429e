import { Secp256k1Keypair } from "@atproto/crypto";
import { expect, test } from "vitest";
import {
  errorFrame,
  labelBytes,
  labelFromJson,
  labelsFrame,
  labelToJson,
  readFrame,
  signLabel,
  type UnsignedLabel,
  verifyLabel,
} from "./index.ts";

const label: UnsignedLabel = {
  ver: 1,
  src: "did:plc:labeler",
  uri: "at://did:plc:someone/community.email.attestation/a.test",
  cid: "bafyreihash",
  val: "verified-mail-operator",
  cts: "2026-01-01T00:00:00.000Z",
};

test("the signed bytes are canonical: key order, absent fields and foreign fields do not matter", () => {
  const shuffled = {
    cts: label.cts,
    val: label.val,
    cid: label.cid!,
    uri: label.uri,
    src: label.src,
    ver: 1 as const,
  };
  const dressed = { ...label, neg: undefined, exp: undefined, $type: "com.atproto.label.defs#label", sig: 1 };
  expect(labelBytes(shuffled)).toEqual(labelBytes(label));
  expect(labelBytes(dressed as unknown as UnsignedLabel)).toEqual(labelBytes(label));
  // map(6), then the three-letter keys in byte order, as DAG-CBOR sorts them
  expect(Buffer.from(labelBytes(label)).toString("hex")).toMatch(
    /^a663636964.*63637473.*63737263.*63757269.*6376616c.*63766572/,
  );
});

test("a signature holds for its label and key alone", async () => {
  const [key, other] = [await Secp256k1Keypair.create(), await Secp256k1Keypair.create()];
  const signed = await signLabel(label, key);
  expect(signed.sig).toHaveLength(64);
  expect(await verifyLabel(signed, key.did())).toBe(true);
  expect(await verifyLabel(labelFromJson(labelToJson(signed)), key.did())).toBe(true);
  expect(await verifyLabel(signed, other.did())).toBe(false);
  for (const change of [
    { neg: true as const },
    { val: "clean-sender" },
    { cid: "bafyother" },
    { exp: label.cts },
  ]) {
    expect(await verifyLabel({ ...signed, ...change }, key.did())).toBe(false);
  }
  expect(await verifyLabel({ ...signed, sig: signed.sig.subarray(1) }, key.did())).toBe(false);
});

test("frames are read back, and what is no frame is refused", async () => {
  const signed = await signLabel(label, await Secp256k1Keypair.create());
  expect(readFrame(labelsFrame(7, [signed]))).toEqual({
    kind: "message",
    type: "#labels",
    body: { seq: 7, labels: [signed] },
  });
  expect(readFrame(errorFrame("FutureCursor", "wait"))).toEqual({
    kind: "error",
    error: "FutureCursor",
    message: "wait",
  });
  for (const bytes of [
    new Uint8Array(),
    Uint8Array.of(0xff, 0xff),
    Uint8Array.of(0xa0),
    Uint8Array.of(0xa0, 0xa0, 0xa0),
  ]) {
    expect(readFrame(bytes)).toBeUndefined();
  }
});

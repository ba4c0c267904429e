import { verifySignature } from "@atproto/crypto";
import { getDidKeyFromMultibase } from "@atproto/identity";
import { encode } from "@atproto/lex-cbor";
import { expect } from "vitest";
import type { Cooperative } from "./cooperative.ts";

/** A label as it came, whichever way; `sig` as bytes. */
export type SaidLabel = {
  ver: number;
  src: string;
  uri: string;
  cid?: string;
  val: string;
  neg?: boolean;
  cts: string;
  exp?: string;
  sig: Uint8Array;
};

/** What `queryLabels` says of a pattern, negations too. */
export async function queryLabels(coop: Cooperative, uriPattern: string): Promise<SaidLabel[]> {
  const parameters = new URLSearchParams({ uriPatterns: uriPattern, limit: "250" });
  const response = await fetch(`${coop.product.url}/xrpc/com.atproto.label.queryLabels?${parameters}`);
  expect(response.status).toBe(200);
  const { labels } = (await response.json()) as {
    labels: (Omit<SaidLabel, "sig"> & { sig: { $bytes: string } })[];
  };
  return labels.map((label) => ({ ...label, sig: Buffer.from(label.sig.$bytes, "base64") }));
}

/** The label specification: the signature is over the DAG-CBOR of the whole label without `sig`. */
export async function verifies(coop: Cooperative, { sig, ...unsigned }: SaidLabel): Promise<boolean> {
  return verifySignature(await labelKey(coop), encode(unsigned), sig);
}

/** The key `#atproto_label` of the labeler's DID document, from the PLC directory, as a did:key. */
async function labelKey(coop: Cooperative): Promise<string> {
  const response = await fetch(`${coop.pds.plcUrl}/${coop.labelerDid}`);
  const { verificationMethod } = (await response.json()) as {
    verificationMethod: { id: string; type: string; publicKeyMultibase: string }[];
  };
  const method = verificationMethod.find(({ id }) => id.endsWith("#atproto_label"));
  const key = method && getDidKeyFromMultibase(method);
  if (key === undefined) throw new Error(`no label key: ${JSON.stringify(verificationMethod)}`);
  return key;
}

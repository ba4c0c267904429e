import { type Keypair, verifySignature } from "@atproto/crypto";
import { encode } from "@atproto/lex-cbor";

/** `com.atproto.label.defs#label` without its signature. */
export type UnsignedLabel = {
  ver: 1;
  /** DID of the labeler. */
  src: string;
  /** The subject: an AT URI of a record, or a bare DID for an account. */
  uri: string;
  /** The version of the record that is meant. */
  cid?: string;
  /** Kebab-case, at most 128 bytes. */
  val: string;
  /** This label negates the earlier one; left out when false. */
  neg?: true;
  /** RFC 3339. For one source, subject and value, the latest one is current. */
  cts: string;
  /** RFC 3339. From here on the label says nothing. */
  exp?: string;
};

export type Label = UnsignedLabel & { sig: Uint8Array };

/** The bytes that are signed: DAG-CBOR of the fields of the schema, without `$type`, `sig` and absent ones. */
export function labelBytes(label: UnsignedLabel): Uint8Array {
  const { ver, src, uri, cid, val, neg, cts, exp } = label;
  return encode({
    ver,
    src,
    uri,
    ...(cid === undefined ? {} : { cid }),
    val,
    ...(neg ? { neg } : {}),
    cts,
    ...(exp === undefined ? {} : { exp }),
  });
}

/** ECDSA over SHA-256 of `labelBytes`, 64 bytes, low-S. */
export async function signLabel(label: UnsignedLabel, keypair: Keypair): Promise<Label> {
  return { ...label, sig: await keypair.sign(labelBytes(label)) };
}

/** `didKey` is the key `#atproto_label` of the labeler's DID document, as a did:key. */
export async function verifyLabel(label: Label, didKey: string): Promise<boolean> {
  if (label.ver !== 1 || label.sig.length !== 64) return false;
  return verifySignature(didKey, labelBytes(label), label.sig);
}

/** What XRPC answers over HTTP: the signature as `$bytes` (atproto data model, JSON). */
export type LabelJson = UnsignedLabel & { sig: { $bytes: string } };

export function labelToJson({ sig, ...label }: Label): LabelJson {
  return { ...label, sig: { $bytes: Buffer.from(sig).toString("base64").replace(/=+$/, "") } };
}

export function labelFromJson({ sig, ...label }: LabelJson): Label {
  return { ...label, sig: Uint8Array.from(Buffer.from(sig.$bytes, "base64")) };
}

import type { LexMap } from "@atproto/lex";
import { $safeValidate } from "../protocol/lexicon/community/email/attestation.ts";
import { $safeValidate as $safeValidateAtmos } from "../protocol/lexicon/email/atmos/attestation.ts";
import { ATTESTATION_COLLECTION, ATMOS_COLLECTION, type AttestationRecord } from "./types.ts";

/** The NSID authority under which the lexicons of this project are published, unless it is configured otherwise. */
export const LEXICON_AUTHORITY = "community.email";

type Read = { ok: true; record: AttestationRecord } | { ok: false; detail: string };

/** Collections of attestations, each with how its records are read. */
export type Collections = ReadonlyMap<string, (record: LexMap) => Read>;

/**
 * What is indexed: `<authority>.attestation`, `community.email.attestation` and `email.atmos.attestation`, all three
 * read as the one form of the lexicon `community.email.attestation`.
 */
export function collectionsOf(authority = LEXICON_AUTHORITY): Collections {
  const own = `${authority}.attestation`;
  return new Map([
    [ATTESTATION_COLLECTION, readCommunity],
    [own, (record) => readUnder(own, record)],
    [ATMOS_COLLECTION, readAtmos],
  ]);
}

function readCommunity(record: LexMap): Read {
  const valid = $safeValidate(record);
  return valid.success ? { ok: true, record: valid.value } : refused(valid.reason);
}

/** The same lexicon, published under another authority. */
function readUnder(collection: string, record: LexMap): Read {
  if (record["$type"] !== collection) return { ok: false, detail: `$type must be ${collection}` };
  return readCommunity({ ...record, $type: ATTESTATION_COLLECTION });
}

/** Names selectors without fingerprints; its relay is that of atmos.email, so none of ours is named. */
function readAtmos(record: LexMap): Read {
  const valid = $safeValidateAtmos(record);
  if (!valid.success) return refused(valid.reason);
  const { domain, dkimSelectors, createdAt } = valid.value;
  return {
    ok: true,
    record: {
      $type: ATTESTATION_COLLECTION,
      domain,
      dkim: dkimSelectors.map((selector) => ({ selector })),
      createdAt,
    },
  };
}

function refused(reason: Error): Read {
  return { ok: false, detail: reason.message.slice(0, 300) };
}

import { type LexMap, lexStringify } from "@atproto/lex";
import { def, MemoryBlockstore, MST, readCarWithRoot, verifyCommitSig } from "@atproto/repo";

/** What a CAR of `com.atproto.sync.getRecord` proves about one record. */
export type RecordProof =
  | { status: "present"; rev: string; cid: string; record: LexMap }
  | { status: "absent"; rev: string }
  | { status: "invalid"; detail: string };

const MAX_RECORD_JSON = 64 * 1024;

/**
 * Verifies a record proof: every block hashes to its CID, the commit is of `did` and signed with `signingKey` (a
 * did:key), and the path from its tree to the record, or to the gap where it would be, is complete.
 */
export async function verifyRecordProof(
  car: Uint8Array,
  claim: { did: string; signingKey: string; collection: string; rkey: string },
): Promise<RecordProof> {
  try {
    const { root, blocks } = await readCarWithRoot(car);
    const store = new MemoryBlockstore(blocks);
    const commit = await store.readObj(root, def.commit);
    if (commit.did !== claim.did) return invalid(`the commit is of ${commit.did.slice(0, 100)}`);
    if (!(await verifyCommitSig(commit, claim.signingKey))) {
      return invalid("the commit is not signed with the key of the DID document");
    }
    const { rev } = commit;
    const cid = await MST.load(store, commit.data).get(`${claim.collection}/${claim.rkey}`);
    if (!cid) return { status: "absent", rev };
    const record = await store.readRecord(cid);
    if (lexStringify(record).length > MAX_RECORD_JSON) return invalid("the record is larger than 64 kB");
    return { status: "present", rev, cid: cid.toString(), record };
  } catch (err) {
    return invalid(err instanceof Error ? err.message.slice(0, 300) : "the CAR cannot be read");
  }
}

function invalid(detail: string): RecordProof {
  return { status: "invalid", detail };
}

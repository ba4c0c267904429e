import { MemoryBlockstore, MST, readCarWithRoot, verifyCommitSig, def } from "@atproto/repo";
import { DidResolver, getKey } from "@atproto/identity";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lexiconPublish, readLexicons } from "../../src/cli/lexicon.ts";
import { startPds, type Pds } from "./servers/pds.ts";

const HANDLE = "lexicons.test";
const PASSWORD = "pass-word-1";

let pds: Pds;
let did: string;

beforeAll(async () => {
  pds = await startPds();
  ({ did } = await pds.createAccount(HANDLE, "ops@lexicons.test", PASSWORD));
});
afterAll(() => pds?.stop());

const publish = () =>
  lexiconPublish({ pds: pds.pdsUrl, identifier: HANDLE }, () => Promise.resolve(PASSWORD));

test("a real PDS takes our schemas as records, and each is proved by the account's signed repository", async () => {
  expect(await publish()).toBe(0);
  const document = await new DidResolver({ plcUrl: pds.plcUrl, fetch }).resolve(did);
  const key = getKey(document!)!;
  for (const lexicon of readLexicons()) {
    const place = { did, collection: "com.atproto.lexicon.schema", rkey: lexicon.id };
    const response = await pds.xrpc("com.atproto.sync.getRecord", { parameters: place });
    const { root, blocks } = await readCarWithRoot(new Uint8Array(await response.arrayBuffer()));
    const store = new MemoryBlockstore(blocks);
    const commit = await store.readObj(root, def.commit);
    expect(await verifyCommitSig(commit, key)).toBe(true);
    const cid = await MST.load(store, commit.data).get(`${place.collection}/${place.rkey}`);
    expect(await store.readRecord(cid!)).toEqual({ $type: place.collection, ...lexicon });
  }
});

test("published again, nothing is written: the repository stays at its revision", async () => {
  const revision = async () =>
    (await (await pds.xrpc("com.atproto.sync.getLatestCommit", { parameters: { did } })).json()) as {
      rev: string;
    };
  const before = await revision();
  expect(await publish()).toBe(0);
  expect(await revision()).toEqual(before);
});

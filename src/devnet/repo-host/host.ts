import { Secp256k1Keypair } from "@atproto/crypto";
import { parseCid, type Cid, type LexMap } from "@atproto/lex";
import { blocksToCarFile, cidForRecord, Repo, WriteOpAction } from "@atproto/repo";
import type { CommitData, RecordWriteOp } from "@atproto/repo";
import { ensureValidHandle, ensureValidNsid, ensureValidRecordKey } from "@atproto/syntax";
import { addSignature, createUpdateOp, didForCreateOp } from "@did-plc/lib";
import type { Operation, UnsignedOperation } from "@did-plc/lib";
import type { Clock } from "../../lib/clock.ts";
import { eventFrame } from "./frame.ts";
import type { Account, AccountStatus, RepoStore } from "./store.ts";

/** What an account adds to its DID document, such as `#atproto_label` and `#atproto_labeler`. */
type IdentityParts = {
  /** Key id without `#` -> did:key. */
  verificationMethods?: Record<string, string>;
  /** Service id without `#` -> service. */
  services?: Record<string, { type: string; endpoint: string }>;
};

type Written = { uri: string; cid: string; rev: string };

export interface RepoHost {
  /** Makes keys, registers the DID at the PLC and starts an empty repository; an account that is there is given back. */
  createAccount(options: { handle: string } & IdentityParts): Promise<{ did: string; handle: string }>;
  /** Adds to, or replaces in, the DID document; announced as `#identity`. */
  updateIdentity(did: string, parts: IdentityParts): Promise<void>;
  /** A new signing key, in the DID document first; the repository is signed again with it. */
  rotateSigningKey(did: string): Promise<void>;
  /** Creates or replaces a record; `$type` is the collection. The same content again writes nothing. */
  putRecord(did: string, collection: string, rkey: string, record: LexMap): Promise<Written>;
  /** False when there was none. */
  deleteRecord(did: string, collection: string, rkey: string): Promise<boolean>;
  /** Announced as `#account`; what is not active is not served. */
  setStatus(did: string, status: AccountStatus): Promise<void>;
}

export type HostOptions = {
  store: RepoStore;
  clock: Clock;
  plcUrl: string;
  /** Endpoint of `#atproto_pds` in the DID documents. */
  publicUrl: string;
  /** Called after every new event of the stream. */
  onEvent: () => void;
};

const PLC_TIMEOUT_MS = 10_000;

export function createHost({ store, clock, plcUrl, publicUrl, onEvent }: HostOptions): RepoHost {
  let turn: Promise<unknown> = Promise.resolve();

  /** One change at a time: each commit builds on the one before. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  }

  function known(did: string): Account {
    const account = store.account(did);
    if (!account) throw new Error(`The repository host has no account ${did}`);
    return account;
  }

  function announce(type: "#identity" | "#account" | "#commit", body: LexMap): void {
    const time = new Date(clock.now()).toISOString();
    store.addEvent((seq) => eventFrame(type, { seq, time, ...body }));
  }

  function announceAccount(did: string, status: AccountStatus): void {
    announce("#account", { did, active: status === "active", ...(status === "active" ? {} : { status }) });
  }

  /** Stores the commit, the index of records and the event in one transaction. */
  async function apply(
    did: string,
    commit: CommitData,
    writes: RecordWriteOp[],
    more: { prevData?: Cid; before?: () => void } = {},
  ): Promise<void> {
    const ops: LexMap[] = [];
    for (const write of writes) ops.push(await describe(did, write));
    const blocks = await blocksToCarFile(commit.cid, commit.relevantBlocks);
    store.transaction(() => {
      more.before?.();
      for (const write of writes) index(did, write, ops);
      store.blocks(did).apply(commit);
      announce("#commit", {
        repo: did,
        commit: commit.cid,
        rev: commit.rev,
        since: commit.since,
        ...(more.prevData ? { prevData: more.prevData } : {}),
        blocks,
        ops,
        blobs: [],
        rebase: false,
        tooBig: false,
      });
    });
    onEvent();
  }

  async function describe(did: string, write: RecordWriteOp): Promise<LexMap> {
    const before = store.record(did, write.collection, write.rkey);
    return {
      action: write.action,
      path: `${write.collection}/${write.rkey}`,
      cid: write.action === WriteOpAction.Delete ? null : await cidForRecord(write.record),
      ...(before ? { prev: parseCid(before.cid) } : {}),
    };
  }

  function index(did: string, write: RecordWriteOp, ops: LexMap[]): void {
    const op = ops.find((one) => one["path"] === `${write.collection}/${write.rkey}`);
    if (write.action === WriteOpAction.Delete) store.removeRecord(did, write.collection, write.rkey);
    else store.setRecord(did, write.collection, write.rkey, String(op?.["cid"]));
  }

  async function commit(account: Account, write: RecordWriteOp): Promise<CommitData> {
    const repo = await Repo.load(store.blocks(account.did));
    const key = await Secp256k1Keypair.import(account.signing_key);
    const data = await repo.formatCommit(write, key);
    await apply(account.did, data, [write], { prevData: repo.commit.data });
    return data;
  }

  async function sendOperation(did: string, operation: Operation): Promise<void> {
    const response = await fetch(`${plcUrl}/${did}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(operation),
      signal: AbortSignal.timeout(PLC_TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`The PLC directory refused the operation: ${await response.text()}`);
  }

  async function changeIdentity(account: Account, parts: IdentityParts): Promise<void> {
    const last = await fetch(`${plcUrl}/${account.did}/log/last`, {
      signal: AbortSignal.timeout(PLC_TIMEOUT_MS),
    });
    if (!last.ok) throw new Error(`The PLC directory does not know ${account.did}: ${await last.text()}`);
    const rotationKey = await Secp256k1Keypair.import(account.rotation_key);
    const operation = await createUpdateOp((await last.json()) as Operation, rotationKey, (now) => ({
      ...now,
      verificationMethods: { ...now.verificationMethods, ...parts.verificationMethods },
      services: { ...now.services, ...parts.services },
    }));
    await sendOperation(account.did, operation);
    announce("#identity", { did: account.did, handle: account.handle });
    onEvent();
  }

  async function createAccount(options: { handle: string } & IdentityParts) {
    const { handle } = options;
    ensureValidHandle(handle);
    const there = store.byHandle(handle);
    if (there) return { did: there.did, handle };
    const signingKey = await Secp256k1Keypair.create({ exportable: true });
    const rotationKey = await Secp256k1Keypair.create({ exportable: true });
    const unsigned: UnsignedOperation = {
      type: "plc_operation",
      rotationKeys: [rotationKey.did()],
      verificationMethods: { atproto: signingKey.did(), ...options.verificationMethods },
      alsoKnownAs: [`at://${handle}`],
      services: {
        atproto_pds: { type: "AtprotoPersonalDataServer", endpoint: publicUrl },
        ...options.services,
      },
      prev: null,
    };
    const operation = await addSignature(unsigned, rotationKey);
    const did = await didForCreateOp(operation);
    await sendOperation(did, operation);
    const keys = { signing_key: await signingKey.export(), rotation_key: await rotationKey.export() };
    await apply(did, await Repo.formatInitCommit(store.blocks(did), did, signingKey), [], {
      before() {
        store.insertAccount({ did, handle, ...keys });
        announce("#identity", { did, handle });
        announceAccount(did, "active");
      },
    });
    return { did, handle };
  }

  async function rotateSigningKey(did: string): Promise<void> {
    const account = known(did);
    const key = await Secp256k1Keypair.create({ exportable: true });
    await changeIdentity(account, { verificationMethods: { atproto: key.did() } });
    store.setSigningKey(did, await key.export());
    const repo = await Repo.load(store.blocks(did));
    await apply(did, await repo.formatCommit([], key), [], { prevData: repo.commit.data });
  }

  return {
    createAccount: (options) => inTurn(() => createAccount(options)),
    updateIdentity: (did, parts) => inTurn(() => changeIdentity(known(did), parts)),
    rotateSigningKey: (did) => inTurn(() => rotateSigningKey(did)),
    putRecord: (did, collection, rkey, fields) =>
      inTurn(async () => {
        ensureValidNsid(collection);
        ensureValidRecordKey(rkey);
        const account = known(did);
        const record = { ...fields, $type: collection };
        const cid = (await cidForRecord(record)).toString();
        const uri = `at://${did}/${collection}/${rkey}`;
        const before = store.record(did, collection, rkey);
        if (before?.cid === cid) return { uri, cid, rev: account.rev ?? "" };
        const action = before ? WriteOpAction.Update : WriteOpAction.Create;
        const { rev } = await commit(account, { action, collection, rkey, record } as RecordWriteOp);
        return { uri, cid, rev };
      }),
    deleteRecord: (did, collection, rkey) =>
      inTurn(async () => {
        const account = known(did);
        if (!store.record(did, collection, rkey)) return false;
        await commit(account, { action: WriteOpAction.Delete, collection, rkey } as RecordWriteOp);
        return true;
      }),
    setStatus: (did, status) =>
      inTurn(async () => {
        known(did);
        store.setStatus(did, status);
        announceAccount(did, status);
        onEvent();
      }),
  };
}

import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Secp256k1Keypair } from "@atproto/crypto";
import type { LexMap } from "@atproto/lex";
import { encode } from "@atproto/lex-cbor";
import {
  concatBytesAsync,
  getRecords,
  MemoryBlockstore,
  Repo,
  type RecordWriteOp,
  WriteOpAction,
} from "@atproto/repo";
import { WebSocketServer, type WebSocket } from "ws";
import type { DnsAnswer, DnsRecordData, DnsType, Resolver } from "../protocol/dns/index.ts";

/** A DID directory and a repository host in one small server, with one real, signed repository. */
export class HostFixture {
  readonly did = "did:plc:abcdefghijklmnopqrstuvwx";
  origin = "";
  keypair!: Secp256k1Keypair;
  /** What the DID document says; the repository's own key unless a test changes it. */
  announcedKey = "";
  /** Changes the bytes of the next answers. */
  tamper: (car: Uint8Array) => Uint8Array = (car) => car;
  /** An error that getRecord answers with instead. */
  refuse: { status: number; error: string } | undefined;
  hideDid = false;
  /** The host that the DID document names; this one unless a test changes it. */
  pds: string | undefined;
  requests = 0;
  seq = 0;
  #repo!: Repo;
  #server!: Server;
  #sockets = new WebSocketServer({ noServer: true });
  #frames: { seq: number; bytes: Uint8Array }[] = [];
  readonly connections: (number | undefined)[] = [];

  static async start(): Promise<HostFixture> {
    const host = new HostFixture();
    host.keypair = await Secp256k1Keypair.create();
    host.announcedKey = host.keypair.did();
    host.#repo = await Repo.create(new MemoryBlockstore(), host.did, host.keypair);
    host.#server = createServer((req, res) => void host.#answer(new URL(req.url!, "http://host"), res));
    host.#server.on("upgrade", (req, socket, head) => {
      const cursor = new URL(req.url!, "http://host").searchParams.get("cursor");
      host.#sockets.handleUpgrade(req, socket, head, (ws) =>
        host.#greet(ws, cursor === null ? undefined : +cursor),
      );
    });
    await new Promise<void>((resolve) => host.#server.listen(0, "127.0.0.1", resolve));
    host.origin = `http://127.0.0.1:${(host.#server.address() as AddressInfo).port}`;
    return host;
  }

  async put(collection: string, rkey: string, record: LexMap): Promise<void> {
    const exists = await this.#repo.data.get(`${collection}/${rkey}`);
    const action = exists ? WriteOpAction.Update : WriteOpAction.Create;
    const write = { action, collection, rkey, record } as RecordWriteOp;
    this.#repo = await this.#repo.applyWrites(write, this.keypair);
    this.#commit(`${collection}/${rkey}`);
  }

  async delete(collection: string, rkey: string): Promise<void> {
    const write = { action: WriteOpAction.Delete, collection, rkey } as RecordWriteOp;
    this.#repo = await this.#repo.applyWrites(write, this.keypair);
    this.#commit(`${collection}/${rkey}`);
  }

  /** The current proof of a place, to be served again later. */
  proof(collection: string, rkey: string): Promise<Uint8Array> {
    return concatBytesAsync(getRecords(this.#repo.storage, this.#repo.cid, [{ collection, rkey }]));
  }

  account(active: boolean): void {
    this.emit("#account", { did: this.did, active });
  }

  emit(type: string, body: LexMap): void {
    const seq = ++this.seq;
    this.#frames.push({ seq, bytes: Buffer.concat([encode({ op: 1, t: type }), encode({ seq, ...body })]) });
    for (const ws of this.#sockets.clients) ws.send(this.#frames.at(-1)!.bytes);
  }

  emitBytes(bytes: Uint8Array): void {
    for (const ws of this.#sockets.clients) ws.send(bytes);
  }

  dropConnections(): void {
    for (const ws of this.#sockets.clients) ws.terminate();
  }

  async close(): Promise<void> {
    this.dropConnections();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #commit(path: string): void {
    this.emit("#commit", { repo: this.did, ops: [{ action: "create", path }] });
  }

  #greet(ws: WebSocket, cursor: number | undefined): void {
    this.connections.push(cursor);
    for (const frame of this.#frames) if (cursor !== undefined && frame.seq > cursor) ws.send(frame.bytes);
  }

  async #answer(url: URL, res: ServerResponse): Promise<void> {
    this.requests++;
    if (decodeURIComponent(url.pathname) === `/${this.did}` && !this.hideDid) {
      res.setHeader("content-type", "application/json").end(JSON.stringify(this.#document()));
    } else if (url.pathname === "/xrpc/com.atproto.sync.getRecord" && this.refuse) {
      res.writeHead(this.refuse.status).end(JSON.stringify({ error: this.refuse.error, message: "no" }));
    } else if (url.pathname === "/xrpc/com.atproto.sync.getRecord") {
      const car = await this.proof(url.searchParams.get("collection")!, url.searchParams.get("rkey")!);
      res.setHeader("content-type", "application/vnd.ipld.car").end(this.tamper(car));
    } else res.writeHead(404).end();
  }

  #document() {
    return {
      id: this.did,
      alsoKnownAs: ["at://member.test"],
      verificationMethod: [
        {
          id: `${this.did}#atproto`,
          type: "Multikey",
          controller: this.did,
          publicKeyMultibase: this.announcedKey.slice("did:key:".length),
        },
      ],
      service: [
        { id: "#atproto_pds", type: "AtprotoPersonalDataServer", serviceEndpoint: this.pds ?? this.origin },
      ],
    };
  }
}

type Zone = Record<string, Partial<{ [T in DnsType]: DnsRecordData[T][] }> | "temperror">;

/** A resolver that knows these names and no others. */
export function zoneResolver(zone: Zone): Resolver {
  return {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const node = zone[name];
      if (node === "temperror") return { status: "temperror", detail: "SERVFAIL" };
      if (!node) return { status: "nxdomain", authentic: false };
      const records = (node[type] ?? []) as DnsRecordData[T][];
      if (records.length === 0) return { status: "nodata", authentic: false };
      return { status: "ok", authentic: false, records: records.map((r) => ({ ...r, ttl: 60 })) };
    },
  };
}

export const txt = (...texts: string[]) => ({ TXT: texts.map((text) => ({ text })) });

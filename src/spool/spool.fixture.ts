import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { eventMaker } from "../event/index.ts";
import { randomId } from "../lib/ids.ts";
import type { CredentialPolicy, DomainPolicy, MemberPolicy } from "../policy/index.ts";
import {
  createSpool,
  type Acceptance,
  type Hold,
  type NewRecipient,
  type Spool,
  type SpoolOptions,
} from "./index.ts";

/** A directory for each test, and spools in it that are closed after it. */
export function spools() {
  let dir = "";
  const open = new Set<Spool>();
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-spool-"))));
  afterEach(async () => {
    for (const spool of open) await spool.close();
    open.clear();
    rmSync(dir, { recursive: true });
  });
  return {
    path: () => join(dir, "spool.sqlite"),
    async start(options: Omit<SpoolOptions, "path"> = {}): Promise<Spool> {
      const spool = await createSpool({ path: join(dir, "spool.sqlite"), ...options });
      open.add(spool);
      return spool;
    },
    async stop(spool: Spool): Promise<void> {
      open.delete(spool);
      await spool.close();
    },
  };
}

let action = 0;
export const event = eventMaker(
  () => 0,
  () => String(++action),
);

export function acceptance(
  change: Partial<Acceptance["message"]> = {},
  domains = ["a.test"],
  recipient: Partial<NewRecipient> = {},
): Acceptance {
  const id = randomId(10);
  return {
    message: {
      id,
      did: "did:plc:a",
      credential: "c1",
      kind: "mail",
      sender: "x@member.test",
      fromDomain: "member.test",
      stream: "transactional",
      priority: 1,
      template: null,
      receivedAt: 1_000,
      size: 20,
      eightBit: false,
      smtpUtf8: false,
      ret: null,
      envid: null,
      ask: "usual",
      head: new TextEncoder().encode("Subject: x\r\n\r\n"),
      body: { bytes: new TextEncoder().encode("body\r\n") },
      ...change,
    },
    recipients: domains.map((domain) => ({
      id: randomId(10),
      address: `bob@${domain}`,
      domain,
      state: "queued" as const,
      nextAt: 1_000,
      firstTime: false,
      notify: null,
      orcpt: null,
      ...recipient,
    })),
    limits: [{ did: "did:plc:a", bucket: "hour", tat: 5 }],
    events: [
      event("message_accepted", { dedupe_key: id, member: { did: "did:plc:a", domain: "member.test" } }),
    ],
  };
}

export const domain = (name: string, status: DomainPolicy["status"]): DomainPolicy => ({
  name,
  status,
  returnPath: null,
  addedAt: 0,
  keys: [],
});
export const credential = (id: string, change: Partial<CredentialPolicy> = {}): CredentialPolicy => ({
  id,
  username: id,
  hash: "",
  domains: ["member.test"],
  streams: ["transactional"],
  hourly: null,
  daily: null,
  revoked: false,
  ...change,
});
export const paused = (id: string) => credential(id, { paused: true });
export const policy: MemberPolicy = {
  did: "did:plc:a",
  handle: "a",
  version: 1,
  membership: "member",
  standing: "good",
  tier: "new",
  joinedAt: 0,
  reason: null,
  domains: [domain("member.test", "active")],
  credentials: [credential("c1"), credential("c2")],
};

export const everything = { now: 1_000_000, max: 100, perDomain: 100, busy: [] };
export const attempt = {
  at: 1,
  durationMs: 2,
  host: "mx.a.test",
  code: 250,
  enhanced: "2.0.0",
  text: "ok",
  class: "ok" as const,
  permanent: false,
  fault: "none" as const,
  rule: null,
  tlsPolicy: "floor" as const,
  tls: "TLSv1.3",
  transcript: "S: 220",
};

export async function text(spool: Spool, id: string): Promise<string | undefined> {
  const content = await spool.content(id);
  if (!content) return undefined;
  const parts: Uint8Array[] = [];
  for await (const chunk of content.body()) parts.push(chunk);
  return Buffer.concat([content.head, ...parts]).toString();
}

export const who = { by: "ann", why: "because", now: 5_000 };
export const held = (owner: Hold["owner"], reason = "paused"): Partial<NewRecipient> => ({
  state: "held",
  hold: { reason, owner },
});

/** Two members' mail in every state that waits. */
export async function filled(spool: Spool): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  const add = async (
    name: string,
    change: Partial<Acceptance["message"]>,
    recipient: Partial<NewRecipient> = {},
  ) => {
    const a = acceptance(change, [`${name}.test`], recipient);
    ids[name] = a.message.id;
    await spool.accept(a);
    return a;
  };
  await add("queued", { receivedAt: 100 });
  await add("bulk", { stream: "bulk", priority: 2, receivedAt: 300 });
  await add("other", { did: "did:plc:b", credential: "c2", fromDomain: "other.test" });
  await add("policy", {}, held("policy", "domain-held"));
  await add("breaker", {}, held("breaker", "content"));
  await add("person", {}, held("committee", "by-hand"));
  await add("unsigned", { unsigned: true }, held("signing", "signing"));
  const deferred = await add("deferred", {});
  await spool.record(
    [{ recipientId: deferred.recipients[0]!.id, state: "deferred", nextAt: 9_000, attempt, events: [] }],
    2_000,
  );
  const done = await add("done", {});
  await spool.record(
    [{ recipientId: done.recipients[0]!.id, state: "delivered", nextAt: 0, attempt, events: [] }],
    2_000,
  );
  return ids;
}

export const namesOf = (entries: { domain: string }[]) =>
  entries.map((e) => e.domain.replace(".test", "")).sort();

import { Secp256k1Keypair } from "@atproto/crypto";
import { createServiceAuth, TOKEN_SCOPES, type PersonRole, type TokenScope } from "../../account/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import * as email from "../../protocol/lexicon/community/email.ts";
import type { AttemptView, MessageFilter, MessageView, Spool } from "../../spool/index.ts";
import type { ProviderPages } from "../../web/index.ts";
import type { Answer } from "../../webhook/index.ts";
import { openCore } from "../core/core.fixture.ts";
import type { Labeler } from "../labeler.ts";
import { createMemberDesk } from "../member-desk.ts";
import { createExportDesk } from "../member-export.ts";
import { createLeaveDesk } from "../member-leave.ts";
import { createProofDesk } from "../member-proof.ts";
import { createVouchDesk } from "../member-vouches.ts";
import { createPeopleDesk } from "../people-desk.ts";
import { createReportPages } from "../report-pages.ts";
import { createSuppressionPages } from "../suppression-pages.ts";
import { memberXrpc } from "./index.ts";

export const ADA = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
export const BOB = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
export const EVE = "did:plc:eeeeeeeeeeeeeeeeeeeeeeee";
const US = "did:web:coop.test";
export const NOW = Date.UTC(2026, 0, 15);

type Reader = { safeParse(value: unknown): { success: boolean; reason?: Error } };
const lexicons = email as unknown as Record<string, { $output: { encoding: string; schema?: Reader } }>;

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
type Told = {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
  /** Of what is no JSON. */
  bytes: Buffer | null;
};

async function told(response: Response): Promise<Told> {
  const { status, headers } = response;
  const isJson = headers.get("content-type")?.startsWith("application/json");
  if (!isJson) return { status, headers, body: {}, bytes: Buffer.from(await response.arrayBuffer()) };
  return { status, headers, body: (await response.json()) as Record<string, unknown>, bytes: null };
}

/** An answer that is as its lexicon says. */
async function fitting(name: string, response: Response) {
  const got = await told(response);
  if (got.status === 200) {
    const { encoding, schema } = lexicons[name]!.$output;
    if (!got.headers.get("content-type")?.startsWith(encoding)) throw new Error(`${name}: not ${encoding}`);
    const parsed = schema?.safeParse(got.body) ?? { success: got.bytes !== null };
    if (!parsed.success) throw new Error(`${name}: ${parsed.reason?.message}`);
  }
  return got;
}
/** Requests of programs to a core in memory with two members, Ada and Bob. */
export async function openMemberApi(
  own: {
    withAccounts?: boolean;
    mayUse?: (key: string) => boolean;
    mayCall?: () => boolean;
    inClear?: () => boolean;
    keyOf?: (address: string) => string;
    providers?: ProviderPages;
  } = {},
) {
  const zone = new Map<string, string>();
  const resolver = {
    async resolve(name: string) {
      const text = zone.get(name);
      return text === undefined
        ? { status: "nxdomain", authentic: false }
        : { status: "ok", authentic: false, records: [{ text, ttl: 60 }] };
    },
  } as Resolver;
  let answer: Answer = { ok: true, status: 204 };
  const here = await openCore(NOW, { post: async () => answer });
  const { core, clock } = here;
  const people = createPeopleDesk({ core, find: async () => null, clock });
  const { asked, spool } = spoolOf(ADA);
  const desk = createMemberDesk({
    core,
    labeler: undefined,
    spool,
    tests: {
      key: new Uint8Array(32),
      domain: "bounce.coop.test",
      send: async ({ fromDomain }) => (fromDomain === "unknown.ada.test" ? undefined : { message: "m1" }),
    },
    resolver,
    askAuthority: async () => null,
    people,
    submission: () => ({ host: "mx.coop.test", tls: [465], starttls: [587] }),
    clock,
  });
  core.admission.join(ADA, "Ada");
  core.admission.join(BOB, "Bob");
  const key = await Secp256k1Keypair.create();
  const serviceAuth = createServiceAuth({
    audience: US,
    keyOf: async () => key.did(),
    now: () => clock.now(),
  });
  const labeler = { labels: { did: US, inForceOf: () => [], prove: async () => "head.claims.signature" } };
  const proofs = createProofDesk({
    core,
    labeler: labeler as unknown as Labeler,
    clock,
    domain: "coop.test",
  });
  const exported = {
    core,
    labeler: undefined,
    spool: undefined,
    policyBook: undefined,
    providers: undefined,
  };
  const taking = {
    proofs,
    exports: createExportDesk({ ...exported, proofs, clock }),
    vouchDesk: createVouchDesk({
      core,
      find: async (account) => (account.startsWith("did:") ? account : null),
    }),
    leaveDesk: createLeaveDesk({ core, labeler: undefined, relay: undefined }),
  };
  const pages = {
    suppressions: createSuppressionPages({ core, clock, spool, keyOf: own.keyOf }),
    reports: createReportPages({ core, clock, poolDomain: "coop.test", resolver }),
    providers: own.providers,
  };
  const app = memberXrpc({
    desk,
    taking,
    pages,
    shown: {
      core,
      rules: { sourceOf: () => undefined } as never,
      labeler: undefined,
      zone: undefined,
      spool,
      policyBook: undefined,
      egress: undefined,
      measures: undefined,
      shaping: undefined,
      clock,
      publicUrl: "https://coop.test",
      digServer: null,
    },
    serviceAuth: own.withAccounts === false ? undefined : serviceAuth,
    authority: "org.example.mail",
    inClear: own.inClear ?? (() => false),
    mayCall: own.mayCall ?? (() => true),
    mayUse: own.mayUse ?? (() => true),
    now: () => clock.now(),
  });

  function token(member: string, scopes: readonly TokenScope[] = TOKEN_SCOPES, days = 90): string {
    const made = core.tokens.make(member, { name: "test", scopes, days }, member, clock.now());
    if (made === null) throw new Error("too many tokens");
    return made.secret;
  }
  let exp = NOW / 1_000 + 60;
  /** As the account's own server makes it, for one method. */
  async function jwt(did: string, name: string, claims: object = {}): Promise<string> {
    const all = { iss: did, aud: US, lxm: `community.email.${name}`, exp: exp++, ...claims };
    const body = `${encoded({ typ: "JWT", alg: key.jwtAlg })}.${encoded(all)}`;
    return `${body}.${Buffer.from(await key.sign(Buffer.from(body))).toString("base64url")}`;
  }
  /** Asks a method: with a body it is a procedure. */
  async function raw(name: string, bearer: string | null, init: RequestInit = {}): Promise<Response> {
    const nsid = name.includes(".") ? name : `community.email.${name}`;
    return app.request(`/xrpc/${nsid}`, {
      ...init,
      headers: bearer === null ? {} : { authorization: `Bearer ${bearer}` },
    });
  }
  return {
    ...here,
    desk,
    taking,
    asked,
    zone,
    prove: (did: string, domain: string) => zone.set(`_email-attestation.${domain}`, `did=${did}`),
    setAnswer: (to: Answer) => void (answer = to),
    act: (did: string, person: string, role: PersonRole) => core.people.put(did, person, role, did, NOW),
    token,
    jwt,
    raw,
    get: async (name: string, bearer: string | null, params: Record<string, string> = {}) =>
      fitting(name, await raw(`community.email.${name}?${new URLSearchParams(params)}`, bearer)),
    post: async (name: string, bearer: string | null, body: object = {}) =>
      fitting(name, await raw(name, bearer, { method: "POST", body: JSON.stringify(body) })),
  };
}

/** A spool with one message of a member. */
function spoolOf(did: string) {
  const asked: { filter: MessageFilter; before: number | undefined }[] = [];
  const recipient = {
    id: "r1",
    address: "berta@mail.test",
    domain: "mail.test",
    state: "bounced",
    nextAt: NOW,
  };
  const message = {
    seq: 7,
    id: "m1",
    did,
    kind: "mail",
    sender: "noreply@ada.test",
    receivedAt: NOW,
    fromDomain: "ada.test",
    stream: "transactional",
    size: 900,
    credential: null,
    recipients: [recipient],
  } as unknown as MessageView;
  const attempt = {
    recipientId: "r1",
    at: NOW,
    host: "mx.mail.test",
    code: 550,
    enhanced: "5.1.1",
    text: "berta@mail.test: no such user berta",
    class: "unknown-user",
    permanent: true,
    fault: null,
    rule: null,
    egress: "192.0.2.1",
    tls: "",
    tlsPolicy: null,
    transcript: "C: RCPT TO:<berta@mail.test>\nS: 550 no",
  } as unknown as AttemptView;
  const told = {
    at: NOW,
    kind: "bounced",
    address: "berta@mail.test",
    sentTo: "ops@ada.test",
    text: "Gone: berta@mail.test",
  };
  const spool = {
    search: async (filter: MessageFilter, page?: { before?: number }) => {
      asked.push({ filter, before: page?.before });
      return {
        messages: filter.did === did ? [message] : [],
        next: filter.did === did ? 7 : null,
        scanned: 1,
      };
    },
    list: async () => ({ entries: [], next: undefined }),
    message: async (id: string) => (id === "m1" ? message : undefined),
    attempts: async () => [attempt],
    operations: async () => [],
    toldOf: async () => [told],
    drop: async () => ({ recipients: 0 }),
  };
  return { asked, spool: spool as unknown as Spool };
}

import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { LEXICON_AUTHORITY } from "../attestation/index.ts";
import type { ServiceAuth } from "../account/index.ts";
import type { Application, Diagnosis } from "../member/index.ts";
import * as applyLexicon from "../protocol/lexicon/community/email/applyForMembership.ts";
import * as claimLexicon from "../protocol/lexicon/community/email/claimDomain.ts";
import * as credentialLexicon from "../protocol/lexicon/community/email/createCredential.ts";
import * as describeLexicon from "../protocol/lexicon/community/email/describeCooperative.ts";
import * as joiningLexicon from "../protocol/lexicon/community/email/getJoining.ts";
import * as checkLexicon from "../protocol/lexicon/community/email/requestCheck.ts";
import { RULES_PATH, type JoinDomain, type JoinPages, type JoinView } from "../web/index.ts";
import { datetime } from "./xrpc-view.ts";

type JoinXrpcParts = {
  join: JoinPages;
  caller: ServiceAuth;
  /** NSID authority under which our lexicons are published. The methods are at `community.email.*` too. */
  authority: string;
  /** The account for which tokens are made. */
  did: string;
  name: string;
  publicUrl: string;
  /** Whether a client may call now: each call looks at the DNS and at the caller's server. */
  mayCall: (c: Context) => boolean;
};

type Refused = { refused: string };
type Act = (did: string, body: unknown) => Promise<object | Refused>;
type Fault = { name: string; message: string };
type Reader<T> = {
  safeParse(value: unknown): { success: true; value: T } | { success: false; reason: Error };
};

const MAX_BODY = 32 * 1024;

/** Joining for programs (`atmos join`): the same as the pages at `/join`, in the name of the account of the token. */
export function joinXrpc({ join, caller, authority, did, name, publicUrl, mayCall }: JoinXrpcParts): Hono {
  const app = new Hono();
  const names = new Set([authority, LEXICON_AUTHORITY]);
  const description = {
    did: did as `did:${string}:${string}`,
    name,
    url: uri("/", publicUrl),
    rules: uri(RULES_PATH, publicUrl),
  } satisfies describeLexicon.$OutputBody;
  for (const prefix of names) {
    const path = `/xrpc/${prefix}.describeCooperative`;
    app.use(path, cors());
    app.get(path, (c) => c.json(description));
  }

  function serve(name: string, verb: "GET" | "POST", act: Act): void {
    for (const prefix of names) {
      const nsid = `${prefix}.${name}`;
      const path = `/xrpc/${nsid}`;
      app.use(path, cors({ allowHeaders: ["authorization", "content-type"] }));
      app.use(path, bodyLimit({ maxSize: MAX_BODY, onError: (c) => fault(c, 413, TOO_LONG) }));
      app.all(path, async (c) => {
        c.header("cache-control", "no-store");
        if (c.req.method !== verb)
          return fault(c, 405, { name: "InvalidRequest", message: `Ask with ${verb}.` });
        if (!mayCall(c)) {
          c.header("retry-after", "60");
          return fault(c, 429, TOO_MANY);
        }
        const who = await caller(c.req.header("authorization"), nsid);
        if (!who.ok) return fault(c, 401, { name: who.error, message: who.message });
        const body = verb === "GET" ? c.req.query() : await c.req.json().catch(() => undefined);
        try {
          const done = await act(who.did, body);
          if ("refused" in done) return fault(c, 400, { name: "NotDone", message: String(done.refused) });
          return c.json(done);
        } catch (error) {
          if (!(error instanceof Invalid)) throw error;
          return fault(c, 400, { name: "InvalidRequest", message: error.message });
        }
      });
    }
  }

  serve("getJoining", "GET", async (did, query) => {
    const { domain } = read(joiningLexicon.$params, query);
    const view = await join.view(did, domain);
    return "refused" in view ? view : joiningView(view, publicUrl);
  });
  serve("applyForMembership", "POST", async (did, body) => {
    const form = read(applyLexicon.$input.schema, body);
    const { domain, name, contact, rules, daily = null, pds = "", purpose = "", words = "" } = form;
    return bare(await join.apply(did, { domain, name, contact, rules, daily, pds, purpose, words }));
  });
  serve("claimDomain", "POST", async (did, body) =>
    bare(await join.addDomain(did, read(claimLexicon.$input.schema, body).domain)),
  );
  serve("requestCheck", "POST", async (did, body) => {
    const { domain } = read(checkLexicon.$input.schema, body);
    const own = await join.attestation(did, domain);
    if ("refused" in own) return own;
    await join.attested(did, own.rkey);
    return {};
  });
  serve("createCredential", "POST", async (did, body) => {
    const made = await join.makeCredential(did, read(credentialLexicon.$input.schema, body).name);
    if ("refused" in made) return made;
    const { name, username, secret, lines: environment } = made.credential;
    return { name, username, secret, environment } satisfies credentialLexicon.$OutputBody;
  });
  return app;
}

const TOO_LONG: Fault = { name: "PayloadTooLarge", message: "This is longer than any request here." };
const TOO_MANY: Fault = {
  name: "RateLimitExceeded",
  message: "Too many requests from your address. Come again in a minute.",
};

class Invalid extends Error {}

function read<T>(reader: Reader<T>, value: unknown): T {
  const parsed = reader.safeParse(value);
  if (parsed.success) return parsed.value;
  throw new Invalid(parsed.reason.message.slice(0, 500));
}

const bare = (result: { done: true } | Refused): object | Refused => ("refused" in result ? result : {});

function fault(c: Context, status: 400 | 401 | 405 | 413 | 429, { name, message }: Fault): Response {
  return c.json({ error: name, message }, status);
}

const uri = (path: string, publicUrl: string) => new URL(path, publicUrl).href as `${string}:${string}`;

function joiningView(view: JoinView, publicUrl: string): joiningLexicon.$OutputBody {
  const { claim, membership, application } = view;
  return {
    did: view.did as `did:${string}:${string}`,
    ...(membership !== null && { membership }),
    steps: view.steps,
    ...(claim && { claim: { domain: claim.domain, record: recordView(claim.proof) } }),
    domains: view.domains.map(domainView),
    ...(application && { application: applicationView(application) }),
    credentials: view.credentials,
    rules: { version: view.rules.version, url: uri(view.rules.url, publicUrl) },
  };
}

function recordView({ record, value, published }: Diagnosis): joiningLexicon.DnsRecord {
  const { name, type, purpose } = record;
  const { state } = published;
  return { name, type, value, state, purpose, ...("present" in published && { present: published.present }) };
}

function domainView({ name, diagnoses, record, attestation, check }: JoinDomain): joiningLexicon.DomainView {
  return {
    domain: name,
    records: diagnoses.map(recordView),
    record: JSON.parse(record),
    ...(attestation && {
      attestation: attestation.uri as `at://did:${string}:${string}`,
      isAttested: attestation.isComplete,
    }),
    ...(check && { verdict: check.verdict, findings: check.findings.map(({ text }) => text) }),
  };
}

function applicationView({ id, appliedAt, decision, state }: Application): joiningLexicon.Application {
  return {
    id,
    appliedAt: datetime(appliedAt),
    ...(decision && {
      decidedAt: datetime(decision.at),
      approved: state === "approved",
      words: decision.note,
    }),
  };
}

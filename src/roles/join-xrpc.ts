import type { Context, Hono } from "hono";
import { cors } from "hono/cors";
import type { ServiceAuth } from "../account/index.ts";
import type { Application } from "../member/index.ts";
import * as applyLexicon from "../protocol/lexicon/community/email/applyForMembership.ts";
import * as claimLexicon from "../protocol/lexicon/community/email/claimDomain.ts";
import * as credentialLexicon from "../protocol/lexicon/community/email/createCredential.ts";
import * as describeLexicon from "../protocol/lexicon/community/email/describeCooperative.ts";
import * as joiningLexicon from "../protocol/lexicon/community/email/getJoining.ts";
import * as checkLexicon from "../protocol/lexicon/community/email/requestCheck.ts";
import { RULES_PATH, type JoinDomain, type JoinPages, type JoinView } from "../web/index.ts";
import { Fault, methodServer, read, readQuery } from "./xrpc-methods.ts";
import { datetime, recordView } from "./xrpc-view.ts";

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

/** Joining for programs (`atmos join`): the same as the pages at `/join`, in the name of the account of the token. */
export function joinXrpc({ join, caller, authority, did, name, publicUrl, mayCall }: JoinXrpcParts): Hono {
  const { app, names, serve } = methodServer<{ did: string }>({
    authority,
    mayCall,
    async caller(c, nsid) {
      const who = await caller(c.req.header("authorization"), nsid);
      return who.ok ? who : new Fault(401, who.error, who.message);
    },
  });
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

  serve("getJoining", "GET", async ({ did }, query) => {
    const { domain } = readQuery(joiningLexicon.$params, query);
    const view = await join.view(did, domain);
    return "refused" in view ? notDone(view) : joiningView(view, publicUrl);
  });
  serve("applyForMembership", "POST", async ({ did }, body) => {
    const form = read(applyLexicon.$input.schema, body);
    const { domain, name, contact, rules, daily = null, pds = "", purpose = "", words = "" } = form;
    return bare(await join.apply(did, { domain, name, contact, rules, daily, pds, purpose, words }));
  });
  serve("claimDomain", "POST", async ({ did }, body) =>
    bare(await join.addDomain(did, read(claimLexicon.$input.schema, body).domain)),
  );
  serve("requestCheck", "POST", async ({ did }, body) => {
    const { domain } = read(checkLexicon.$input.schema, body);
    const own = await join.attestation(did, domain);
    if ("refused" in own) return notDone(own);
    await join.attested(did, own.rkey);
    return {};
  });
  serve("createCredential", "POST", async ({ did }, body) => {
    const made = await join.makeCredential(did, read(credentialLexicon.$input.schema, body).name);
    if ("refused" in made) return notDone(made);
    const { name, username, secret, lines: environment } = made.credential;
    return { name, username, secret, environment } satisfies credentialLexicon.$OutputBody;
  });
  return app;
}

const notDone = ({ refused }: Refused) => new Fault(400, "NotDone", refused);
const bare = (result: { done: true } | Refused): object => ("refused" in result ? notDone(result) : {});

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

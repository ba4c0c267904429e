import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { ATTESTATION_COLLECTION, LEXICON_AUTHORITY, normalizeDomain } from "../attestation/index.ts";
import { createSafeFetch, type SafeFetch } from "../platform/fetch.ts";
import { zoneLine } from "../web/index.ts";
import { createAsk, type Ask } from "./labeler/ask.ts";
import { createPdsClient } from "./labeler/pds.ts";
import { CommandError, EXIT, outputFor, plain, type Output } from "./output.ts";
import { logInWith, pdsOrigin } from "./pds-login.ts";

export type JoinOptions = {
  coop: string;
  pds: string;
  /** Handle, DID or e-mail address of the account that joins. */
  identifier: string;
  name?: string;
  contact?: string;
  daily?: string;
  purpose?: string;
  words?: string;
  acceptRules?: boolean;
  /** Name of a credential to make, if there is none yet. */
  credential?: string;
  json?: boolean;
};

const cooperative = z.object({ did: z.string(), name: z.string(), url: z.string(), rules: z.string() });
const record = z.object({ name: z.string(), type: z.string(), value: z.string(), state: z.string() });
const joining = z.object({
  did: z.string(),
  membership: z.string().optional(),
  steps: z.array(z.object({ name: z.string(), state: z.string() })),
  claim: z.object({ domain: z.string(), record }).optional(),
  domains: z.array(
    z.object({
      domain: z.string(),
      records: z.array(record),
      record: z.record(z.string(), z.unknown()),
      isAttested: z.boolean().optional(),
      verdict: z.string().optional(),
      findings: z.array(z.string()).optional(),
    }),
  ),
  application: z
    .object({ words: z.string().optional(), approved: z.boolean().optional() })
    .loose()
    .optional(),
  credentials: z.number(),
  rules: z.object({ version: z.string(), url: z.string() }),
});
type Joining = z.infer<typeof joining>;
const credential = z.object({
  name: z.string(),
  username: z.string(),
  secret: z.string(),
  environment: z.string(),
});
type Call = (method: string, verb: "GET" | "POST", fields?: Record<string, unknown>) => Promise<unknown>;
type MadeCredential = z.infer<typeof credential>;

/**
 * `atmos join DOMAIN`: goes as far towards membership as it can now, and says what is somebody's to do. What is done
 * stays done, so it may be run again, also by a program. Exit 0: nothing is yours to do. 1: something is.
 */
export async function join(asked: string, options: JoinOptions, ask: Ask = createAsk()): Promise<number> {
  const out = outputFor(options);
  const domain = normalizeDomain(asked);
  if (domain === undefined) throw new CommandError(`"${plain(asked)}" is no domain name.`, EXIT.usage);
  const coop = pdsOrigin(options.coop, "--coop");
  const pds = pdsOrigin(options.pds);
  // Both addresses are the operator's own choice, and a PDS often stands in the same network.
  const fetch = createSafeFetch({ allowPrivate: true, timeoutMs: 60_000 });
  const about = cooperative.parse(await askCoop(fetch, coop, "describeCooperative"));
  const client = createPdsClient(pds, fetch);
  const session = await logInWith(client, options.identifier, ask, "JOIN_PASSWORD");
  const call: Call = async (method, verb, fields = {}) => {
    const nsid = `${LEXICON_AUTHORITY}.${method}`;
    const token = await client.serviceToken(session.accessJwt, about.did, nsid);
    return askCoop(fetch, coop, method, { verb, token, fields });
  };
  const look = async () => joining.parse(await call("getJoining", "GET", { domain }));

  let at = await look();
  if (at.claim && isThere(at.claim.record)) {
    await claim(call, domain, at, options);
    out.say(at.membership === undefined ? `Applied at ${plain(about.name)}.` : `${domain} is yours there.`);
    at = await look();
  }
  const own = at.domains.find((one) => one.domain === domain);
  const held = own && (await client.getRecord(session.did, ATTESTATION_COLLECTION, domain));
  if (own && !isSame(held, own.record)) {
    await client.putRecord(session.accessJwt, session.did, ATTESTATION_COLLECTION, domain, own.record);
    out.say(`Wrote at://${session.did}/${ATTESTATION_COLLECTION}/${domain}`);
  }
  if (own) {
    await call("requestCheck", "POST", { domain });
    at = await look();
  }
  let made: MadeCredential | undefined;
  if (own && options.credential !== undefined && at.credentials === 0) {
    made = credential.parse(await call("createCredential", "POST", { name: options.credential }));
    at = await look();
  }
  const todo = todoOf(at, domain);
  tell(out, at, { domain, made, todo, coop: about.name });
  out.result({ cooperative: about, ...at, todo, ...(made && { credential: made }) });
  return todo.length === 0 ? EXIT.ok : EXIT.fault;
}

/** Whether a record says what it should, whenever it was written. */
const isSame = (held: object | undefined, wanted: object) =>
  held !== undefined &&
  isDeepStrictEqual({ ...held, createdAt: undefined }, { ...wanted, createdAt: undefined });
const isThere = ({ state }: { state: string }) => state === "right" || state === "spreading";

async function claim(call: Call, domain: string, at: Joining, options: JoinOptions): Promise<void> {
  if (at.membership === "applicant" || at.membership === "member") {
    await call("claimDomain", "POST", { domain });
    return;
  }
  const { name, contact, acceptRules, daily, purpose, words } = options;
  if (name === undefined || contact === undefined || acceptRules !== true)
    throw new CommandError(
      `Your domain names your account: you can apply. Read ${plain(at.rules.url)}, then add --name, --contact and --accept-rules.`,
      EXIT.usage,
    );
  const mails = daily === undefined ? undefined : Number(daily);
  if (mails !== undefined && !(Number.isInteger(mails) && mails > 0))
    throw new CommandError("--daily is a whole number of mails.", EXIT.usage);
  const form = { domain, name, contact, rules: at.rules.version, pds: new URL(options.pds).hostname };
  await call("applyForMembership", "POST", {
    ...form,
    ...(mails !== undefined && { daily: mails }),
    ...(purpose !== undefined && { purpose }),
    ...(words !== undefined && { words }),
  });
}

/** What is the operator's to do now, in words. */
function todoOf(at: Joining, domain: string): string[] {
  const own = at.domains.find((one) => one.domain === domain);
  if (own === undefined && at.claim === undefined)
    return [`Choose another domain: ${domain} cannot be claimed by this account.`];
  if (own === undefined) return [`Publish the record that names your account, then run this again.`];
  const missing = own.records.filter((one) => !isThere(one));
  const todo: string[] = [];
  if (missing.length > 0) todo.push("Publish the records, then run this again.");
  else if (own.verdict !== "verified" && own.findings?.length)
    todo.push("Mend what receivers would mind, then run this again.");
  if (at.credentials === 0) todo.push("Make a credential: run this again with --credential pds.");
  return todo;
}

function tell(
  out: Output,
  at: Joining,
  {
    domain,
    made,
    todo,
    coop,
  }: { domain: string; made: MadeCredential | undefined; todo: string[]; coop: string },
): void {
  for (const { name, state } of at.steps) out.say(`${MARKS[state] ?? "?"} ${plain(name)}`);
  const own = at.domains.find((one) => one.domain === domain);
  const records = own ? own.records : at.claim ? [at.claim.record] : [];
  const missing = records.filter((one) => !isThere(one));
  if (missing.length > 0) out.say("\nTo publish:");
  for (const one of missing)
    out.say(`  ${plain(lineOf(one))}\n    ; now: ${STATES[one.state] ?? plain(one.state)}`);
  for (const text of own?.findings ?? []) out.say(`! ${plain(text)}`);
  if (made) out.say(`\nThe credential, shown this once:\n\n${plain(made.environment)}`);
  if (at.application?.words) out.say(`\nThe committee says: ${plain(at.application.words)}`);
  out.say("");
  for (const text of todo) out.say(text);
  if (todo.length === 0)
    out.say(
      at.membership === "member"
        ? `You are a member of ${plain(coop)}.`
        : "Nothing is yours to do: the committee decides. Run this again to hear what it decided.",
    );
}

const lineOf = ({ name, type, value }: z.infer<typeof record>) =>
  zoneLine({ name, type: type === "CNAME" ? "CNAME" : "TXT", value });

const MARKS: Record<string, string> = { done: "[x]", here: "[>]", later: "[ ]", waits: "[~]" };
const STATES: Record<string, string> = {
  "no-name": "the name is not there",
  "no-record": "the name is there, this record is not",
  wrong: "another value stands there",
  several: "several stand there, of which one is the most",
  "no-answer": "nobody answered; try again",
};

type Asked = { verb: "GET" | "POST"; token: string; fields: Record<string, unknown> };
const failure = z.object({ error: z.string().default(""), message: z.string().default("") });

async function askCoop(fetch: SafeFetch, coop: string, method: string, asked?: Asked): Promise<unknown> {
  const url = new URL(`/xrpc/${LEXICON_AUTHORITY}.${method}`, coop);
  const headers = new Headers(asked && { authorization: `Bearer ${asked.token}` });
  const init: RequestInit = { method: asked?.verb ?? "GET", headers };
  if (asked?.verb === "POST") {
    headers.set("content-type", "application/json");
    init.body = JSON.stringify(asked.fields);
  } else
    for (const [key, value] of Object.entries(asked?.fields ?? {})) url.searchParams.set(key, String(value));
  const response = await fetch(url.href, init).catch((error: unknown) => {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandError(`${coop} does not answer: ${plain(cause)}. Look at --coop.`);
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body;
  const { error, message } = failure.catch({ error: "", message: "" }).parse(body ?? {});
  if (response.status === 501 || (response.status === 404 && error === ""))
    throw new CommandError(`${coop} is no cooperative that can be joined so. Look at --coop.`);
  throw new CommandError(plain(message || `${method}: ${response.status} ${error}`).slice(0, 600));
}

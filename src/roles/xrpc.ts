import { Hono, type Context } from "hono";
import { normalizeDomain, senderRequirements, summarize, type Attestation } from "../attestation/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Label } from "../protocol/labels/index.ts";
import * as checkDomainLexicon from "../protocol/lexicon/community/email/checkDomain.ts";
import * as statusLexicon from "../protocol/lexicon/community/email/getAttestationStatus.ts";
import * as membersLexicon from "../protocol/lexicon/community/email/listMembers.ts";
import type { Labeler } from "./labeler.ts";
import { invalid, publicMethods, type Fault } from "./public-methods.ts";
import {
  CHECK_COST,
  createPublicChecks,
  type PublicChecks,
  type PublicChecksOptions,
} from "./public-checks.ts";
import { attestationView, checkView, labelView } from "./xrpc-view.ts";

export type EmailXrpcOptions = {
  labeler: Pick<Labeler, "attestations" | "labels">;
  clock: Clock;
  /** NSID authority under which our lexicons are published. The methods are at `community.email.*` too. */
  authority: string;
  /** Reverse proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
  examiner?: PublicChecksOptions["examiner"];
  /** Shared with the pages; made here otherwise. */
  checks?: PublicChecks;
};

/** Attestations in one answer: any number of accounts may attest one domain. */
const MAX_ATTESTATIONS = 50;
const LABELS_FOR_MS = 10_000;

/** The XRPC methods `community.email.*`: public facts, for anybody, within bounds. */
export function emailXrpc(options: EmailXrpcOptions): Hono {
  const { clock, authority } = options;
  const { attestations, labels } = options.labeler;
  const checks = options.checks ?? createPublicChecks(options);
  const labelsBySubject = rememberLabels(options);
  const { app, serve } = publicMethods({ authority, checks });

  serve("checkDomain", {
    params: checkDomainLexicon.$params,
    cost: CHECK_COST,
    async run({ domain: name, did, selectors }) {
      const domain = normalizeDomain(name);
      if (domain === undefined) return noDomain(name);
      // Spelled and ordered alike, so that the same question is known again.
      const more = [...new Set(selectors?.map((s) => s.toLowerCase()))].toSorted();
      const taken = checks.examine({
        domain,
        ...(did !== undefined && { did }),
        ...(more.length > 0 && { selectors: more }),
      });
      if (taken.status === "busy") {
        const message = "Too many domains are being looked at. Come again in a minute.";
        return { status: 503, error: "TooBusy", message, retryAfterMs: 60_000 };
      }
      const { attestation, results } = await taken.result;
      const body: checkDomainLexicon.$OutputBody = {
        domain,
        ...(did !== undefined && { did }),
        ...(attestation && { attestation: attestation.uri as `at://did:${string}:${string}` }),
        summary: summarize(results),
        checks: results.map(checkView),
        requirements: senderRequirements(results).map(({ provider, need, status }) => ({
          provider,
          need,
          status,
        })),
      };
      return { body };
    },
  });

  serve("getAttestationStatus", {
    params: statusLexicon.$params,
    cost: 1,
    run({ did, domain: name }) {
      const domain = name === undefined ? undefined : normalizeDomain(name);
      if (name !== undefined && domain === undefined) return noDomain(name);
      if (did === undefined && domain === undefined)
        return invalid("Name an account (did) or a domain, or both");
      const known = did === undefined ? attestations.byDomain(domain!) : attestations.byDid(did);
      const bySubject = labelsBySubject();
      const found = known
        .filter((a) => a.endedAt === null && (domain === undefined || a.domain === domain))
        .toSorted((a, b) => Number(b.summary === "verified") - Number(a.summary === "verified"))
        .slice(0, MAX_ATTESTATIONS);
      const body: statusLexicon.$OutputBody = {
        attestations: found.map((a) =>
          attestationView(
            a,
            [...ofRecord(bySubject, a), ...(bySubject.get(a.did) ?? [])],
            attestations.latestChecks(a.uri),
          ),
        ),
      };
      return { body };
    },
  });

  serve("listMembers", {
    params: membersLexicon.$params,
    cost: 1,
    run({ limit, cursor = "" }) {
      const bySubject = labelsBySubject();
      const operators = [...bySubject.keys()].filter(
        (subject) => subject.startsWith("did:") && subject > cursor,
      );
      const page = operators
        .filter((did) => bySubject.get(did)?.some(({ val }) => val === "verified-mail-operator"))
        .toSorted()
        .slice(0, limit + 1);
      const body: membersLexicon.$OutputBody = {
        ...(page.length > limit && { cursor: page[limit - 1]! }),
        members: page.slice(0, limit).map((did) => ({
          did: did as `did:${string}:${string}`,
          labels: bySubject.get(did)!.map(labelView),
          domains: attestations
            .activeOf(did)
            .filter((a) => ofRecord(bySubject, a).length > 0)
            .map(({ domain, uri, cid, collection }) => ({
              domain,
              uri: uri as `at://did:${string}:${string}`,
              cid,
              collection: collection as `${string}.${string}.${string}`,
            })),
        })),
      };
      return { body };
    },
  });

  return app;

  /** What stands in force, by what it is said of; read anew after each change, and as labels expire. */
  function rememberLabels({ labeler }: EmailXrpcOptions): () => Map<string, Label[]> {
    let known: { at: number; bySubject: Map<string, Label[]> } | undefined;
    labeler.labels.onLabels(() => (known = undefined));
    return () => {
      const now = clock.now();
      if (known && now - known.at < LABELS_FOR_MS) return known.bySubject;
      known = { at: now, bySubject: Map.groupBy(labels.active(), (label) => label.uri) };
      return known.bySubject;
    };
  }
}

export function noSuchMethod(c: Context): Response {
  return c.json({ error: "MethodNotImplemented", message: "There is no such method here" }, 501);
}

/** Labels on this version of the record. */
function ofRecord(bySubject: Map<string, Label[]>, { uri, cid }: Attestation): Label[] {
  return (bySubject.get(uri) ?? []).filter((label) => label.cid === undefined || label.cid === cid);
}

function noDomain(name: string): Fault {
  return { status: 400, error: "InvalidDomain", message: `"${name.slice(0, 253)}" is no mail domain` };
}

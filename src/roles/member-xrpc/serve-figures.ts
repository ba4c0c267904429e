import * as eventsLexicon from "../../protocol/lexicon/community/email/listChangeEvents.ts";
import * as reportsLexicon from "../../protocol/lexicon/community/email/getReports.ts";
import * as providersLexicon from "../../protocol/lexicon/community/email/getProviderData.ts";
import type { DeskFact } from "../member-desk-standing.ts";
import { Fault } from "../xrpc-methods.ts";
import { datetime } from "../xrpc-view.ts";
import { gone } from "./faults.ts";
import type { MemberXrpcParts, Methods } from "./index.ts";
import { present } from "./view-parts.ts";
import { reportsBody, subjectView } from "./view-figures.ts";

/** What others say of a member's mail, and which events a rule has counted. */
export function serveFigures({ query }: Methods, { desk, pages }: MemberXrpcParts): void {
  query("getReports", "read", reportsLexicon.$params, async (did, { domain }) => {
    const view = await pages.reports.ofDomain(did, domain.toLowerCase());
    return view === null
      ? new Fault(400, "DomainNotHeld", `${domain} is not one of your domains here.`)
      : reportsBody(view);
  });
  query("getProviderData", "read", providersLexicon.$params, (did) => {
    const { providers } = pages;
    if (providers === undefined)
      return { subjects: [], isKnown: false } satisfies providersLexicon.$OutputBody;
    const view = providers.ofMember(did);
    if (view === null) return gone(did);
    return {
      subjects: view.subjects.map(subjectView),
      isKnown: true,
    } satisfies providersLexicon.$OutputBody;
  });
  query("listChangeEvents", "messages", eventsLexicon.$params, async (did, { change: id }) => {
    const found = await desk.standing.events(did, id);
    if (found === null)
      return new Fault(
        400,
        "NotFound",
        `No rule has made a change ${id} of this standing, or it is not kept.`,
      );
    const { change, bounces, complaints } = found;
    return {
      change: change.id,
      at: datetime(change.at),
      from: change.from,
      to: change.to,
      rule: change.rule,
      bounces: bounces.map(eventView),
      complaints: complaints.map(eventView),
    } satisfies eventsLexicon.$OutputBody;
  });
}

const eventView = ({ message, at, domain, provider, isKept }: DeskFact): eventsLexicon.Event =>
  present({ message, at: datetime(at), domain: domain === "" ? null : domain, provider, isKept });

import { RECIPIENT_STATES } from "../../spool/index.ts";
import { STREAMS } from "../../policy/index.ts";
import * as deliveryLexicon from "../../protocol/lexicon/community/email/getDelivery.ts";
import * as removalLexicon from "../../protocol/lexicon/community/email/getDomainRemoval.ts";
import * as limitsLexicon from "../../protocol/lexicon/community/email/getLimits.ts";
import * as messageLexicon from "../../protocol/lexicon/community/email/getMessage.ts";
import * as settingsLexicon from "../../protocol/lexicon/community/email/getSettings.ts";
import * as standingLexicon from "../../protocol/lexicon/community/email/getStanding.ts";
import * as webhookLexicon from "../../protocol/lexicon/community/email/getWebhook.ts";
import * as credentialsLexicon from "../../protocol/lexicon/community/email/listCredentials.ts";
import * as domainsLexicon from "../../protocol/lexicon/community/email/listDomains.ts";
import * as messagesLexicon from "../../protocol/lexicon/community/email/listMessages.ts";
import * as testsLexicon from "../../protocol/lexicon/community/email/listTests.ts";
import * as recordsLexicon from "../../protocol/lexicon/community/email/lookForRecords.ts";
import * as traceLexicon from "../../protocol/lexicon/community/email/traceAddress.ts";
import type { LogFilter } from "../../web/index.ts";
import { listedDomains } from "../member-domains.ts";
import { deliveryView } from "../queries/delivery.ts";
import { domainsView, limitsView, standingView } from "../queries/member.ts";
import { messageLog, messageOf } from "../queries/messages.ts";
import { Fault } from "../xrpc-methods.ts";
import { recordView } from "../xrpc-view.ts";
import { gone, orFault } from "./faults.ts";
import type { MemberXrpcParts, Methods } from "./index.ts";
import { deliveryBody, foundBody, logBody } from "./view-mail.ts";
import { credentialsBody, domainsBody, settingsBody, webhookBody } from "./view-member.ts";
import { present, time } from "./view-parts.ts";
import { limitsBody, standingBody } from "./view-standing.ts";
import { testBody } from "./view-test.ts";

/** What is read: from the same functions as the member's pages. */
export function serveQueries({ query, procedure }: Methods, { desk, shown }: MemberXrpcParts): void {
  const { core } = shown;

  query("getStanding", "read", standingLexicon.$params, async (did) => {
    const view = await standingView(shown, did);
    return view === null ? gone(did) : standingBody(view);
  });
  query("getLimits", "read", limitsLexicon.$params, (did) => {
    const view = limitsView(shown, did);
    return view === null ? gone(did) : limitsBody(view);
  });
  query("listDomains", "read", domainsLexicon.$params, (did) =>
    domainsBody(listedDomains(desk.domains.list(did), domainsView(shown, did))),
  );
  query("lookForRecords", "read", recordsLexicon.$params, async (did, { domain }) => {
    const found = await desk.domains.look(did, domain);
    if ("error" in found) return orFault(found);
    return {
      domain: domain.toLowerCase(),
      records: found.map(recordView),
    } satisfies recordsLexicon.$OutputBody;
  });
  query("getDomainRemoval", "read", removalLexicon.$params, async (did, { domain }) =>
    orFault(
      await desk.domains.removal(did, domain),
      (ends) => present(ends) satisfies removalLexicon.$OutputBody,
    ),
  );
  query("listCredentials", "read", credentialsLexicon.$params, (did) =>
    credentialsBody(desk.credentials.list(did)),
  );
  query("getWebhook", "read", webhookLexicon.$params, (did) => orFault(desk.webhook.of(did), webhookBody));
  query("getSettings", "read", settingsLexicon.$params, (did) =>
    orFault(desk.settings.of(did), (settings) => settingsBody(settings, core.people.of(did))),
  );
  query("getDelivery", "read", deliveryLexicon.$params, (did) => {
    const view = deliveryView(shown, did);
    return view === null ? gone(did) : deliveryBody(view);
  });

  query("listTests", "read", testsLexicon.$params, async (did) =>
    orFault(
      await desk.tests.of(did),
      ({ tests, passedAt }) =>
        present({ passedAt: time(passedAt), tests: tests.map(testBody) }) satisfies testsLexicon.$OutputBody,
    ),
  );

  async function messages(did: string, filter: LogFilter | Fault, cursor: string | undefined) {
    if (filter instanceof Fault) return filter;
    if (cursor !== undefined && !/^[1-9]\d{0,14}$/.test(cursor))
      return new Fault(400, "InvalidRequest", "The cursor is not one that was answered.");
    const view = await messageLog(shown, did, filter, cursor === undefined ? undefined : Number(cursor));
    return view === null ? gone(did) : logBody(view);
  }
  query("listMessages", "messages", messagesLexicon.$params, (did, asked) =>
    messages(did, filterOf(asked), asked.cursor),
  );
  procedure("traceAddress", "messages", traceLexicon.$input.schema, (did, { address, cursor }) =>
    messages(did, { recipient: address.trim() }, cursor),
  );
  query("getMessage", "messages", messageLexicon.$params, async (did, { id }) => {
    const found = await messageOf(shown, did, id);
    return found === null
      ? new Fault(404, "MessageNotFound", "The member has no message of this id, or it is not kept any more.")
      : foundBody(found);
  });
}

/** What is asked for as the log has it; what nothing can fit is a fault, so that nobody takes silence for an answer. */
function filterOf(asked: messagesLexicon.$Params): LogFilter | Fault {
  const { from, to, provider, credential, since, until } = asked;
  const stream = STREAMS.find((one) => one === asked.stream);
  const state = RECIPIENT_STATES.find((one) => one === asked.state);
  if (asked.stream !== undefined && stream === undefined)
    return new Fault(400, "InvalidRequest", `stream is one of: ${STREAMS.join(", ")}.`);
  if (asked.state !== undefined && state === undefined)
    return new Fault(400, "InvalidRequest", `state is one of: ${RECIPIENT_STATES.join(", ")}.`);
  return {
    ...(from !== undefined && { fromDomain: from.toLowerCase() }),
    ...(to !== undefined && { recipientDomain: to.toLowerCase() }),
    ...(provider !== undefined && { provider }),
    ...(credential !== undefined && { credential }),
    ...(stream !== undefined && { stream }),
    ...(state !== undefined && { states: [state] }),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) }),
  };
}

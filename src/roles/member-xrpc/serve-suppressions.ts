import * as findLexicon from "../../protocol/lexicon/community/email/findSuppressions.ts";
import * as listLexicon from "../../protocol/lexicon/community/email/listSuppressions.ts";
import * as releaseLexicon from "../../protocol/lexicon/community/email/releaseSuppression.ts";
import { maskText, type SuppressedRecipient } from "../../web/index.ts";
import { Fault } from "../xrpc-methods.ts";
import { datetime } from "../xrpc-view.ts";
import { gone } from "./faults.ts";
import type { MemberXrpcParts, Methods } from "./index.ts";
import { present, time } from "./view-parts.ts";

const invalid = (message: string) => new Fault(400, "InvalidRequest", message);

/** To whom nothing is sent, and the end of it. */
export function serveSuppressions({ query, procedure }: Methods, { pages }: MemberXrpcParts): void {
  const { suppressions } = pages;
  query("listSuppressions", "messages", listLexicon.$params, async (did, { cursor }) => {
    if (cursor !== undefined && !/^[1-9]\d{0,14}$/.test(cursor))
      return invalid("The cursor is not one that was answered.");
    const page = await suppressions.ofMember(did, cursor === undefined ? undefined : Number(cursor));
    if (page === null) return gone(did);
    return present({
      suppressions: page.entries.map(suppressionView),
      counts: page.counts.map(({ reason, n }) => ({ reason, count: n })),
      cursor: page.next === null ? null : String(page.next),
    }) satisfies listLexicon.$OutputBody;
  });
  procedure("findSuppressions", "messages", findLexicon.$input.schema, async (did, { address }) => {
    const search = await suppressions.find(address.trim(), did);
    if (search.found === "no-address") return invalid("This is no address of mail.");
    return {
      suppressions: search.found === "entries" ? search.entries.map(suppressionView) : [],
      isKnown: search.found !== "no-key",
    } satisfies findLexicon.$OutputBody;
  });
  procedure("releaseSuppression", "suppressions", releaseLexicon.$input.schema, async (did, { id }, { by }) =>
    (await suppressions.release(did, id, { who: "member", by }))
      ? ({ id } satisfies releaseLexicon.$OutputBody)
      : new Fault(400, "NotFound", "Nothing of this number is in force: it ended, or was released before."),
  );
}

/** What nobody knows any more, or nobody said, is left out. */
const said = (text: string) => (text === "" ? null : text);

function suppressionView(entry: SuppressedRecipient): listLexicon.Suppression {
  const { id, pool, streams, reason, address, domain, since, until, by, words, provider } = entry;
  return present({
    id,
    isPools: pool,
    streams,
    reason,
    address: said(address),
    domain: said(domain),
    since: datetime(since),
    until: time(until),
    by: said(by),
    words: said(maskText(words, address)),
    provider: said(provider),
  });
}

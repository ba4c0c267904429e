import type { SuppressionReason, ToldSuppression } from "./types.ts";

type Bound = Pick<ToldSuppression, "did" | "streams" | "exempt">;

/** Which of the entries in force about one recipient keeps this member's mail of this stream back. The member's own first. */
export function verdictOf<T extends Bound>(entries: readonly T[], stream: string | undefined): T | undefined {
  const binds = entries.filter((one) => !one.exempt && (one.streams === "all" || stream === "bulk"));
  const own = binds.find(({ did }) => did !== null);
  if (own) return own;
  return entries.some(({ exempt }) => exempt) ? undefined : binds.find(({ did }) => did === null);
}

const REASON_WORDS: Record<SuppressionReason, string> = {
  "bad-mailbox": "there is no such mailbox",
  inactive: "the mailbox is not in use any more",
  "bad-domain": "its domain takes no mail",
  complaint: "its owner reported your mail as spam",
  unsubscribe: "its owner unsubscribed from your bulk mail",
  manual: "it was put on the list by hand",
  import: "it came with an imported list",
};

const day = (at: number) => new Date(at).toISOString().slice(0, 10);

/**
 * The words of the reply: why, since when, until when, and where to release it. One line of ASCII, cut before the link
 * where the other side's words are long.
 */
export function suppressionWords(entry: ToldSuppression, link: string): string {
  const { reason, createdAt, expiresAt, did, streams, words } = entry;
  const why = `Not sent: ${REASON_WORDS[reason]}${did === null ? ", on the list of the whole pool" : ""}`;
  const what = streams === "bulk" ? "no bulk mail" : "nothing";
  // Since when the pool knows is when other members wrote.
  const since = `${what} goes there${did === null ? "" : ` since ${day(createdAt)}`}`;
  const until =
    expiresAt === null ? "until it is released" : `until ${day(expiresAt)} or until it is released`;
  const end = `; ${since}, ${until}. Release it at ${link}`;
  const said = words ? ` (${words.replace(/[^\x20-\x7e]/g, " ").replace(/\s+/g, " ")})` : "";
  const room = Math.max(0, MOST - why.length - end.length);
  return why + (said.length > room ? (room > SHORT ? `${said.slice(0, room - 2)})` : "") : said) + end;
}

/** Of a reply's text, without its name. */
const MOST = 400;
const SHORT = 20;

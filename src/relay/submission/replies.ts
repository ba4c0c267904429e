import type { SMTPServer, SMTPServerSession } from "smtp-server";
import type { DecisionReason } from "../../policy/index.ts";
import { NAMED } from "./refusal.ts";

export type Connection = SMTPServer["connections"] extends Set<infer C> ? C : never;

/** A reply of smtp-server's own. `enhanced`: where the code that the library has for it says less. */
type LibraryReply = [code: number, words: RegExp, name: DecisionReason, enhanced?: string];

/** What smtp-server refuses by itself, and the outcome that it is: the first row whose code and words fit. */
const LIBRARY_REPLIES: readonly LibraryReply[] = [
  [421, /^Timeout/, "timeout"],
  [421, /shutting down/, "shutting-down", "4.3.2"],
  [421, /talk too soon|HTTP requests/, "not-smtp", "4.7.0"],
  [421, /too many un(?:recognized|authenticated) commands/, "too-many-errors", "4.7.0"],
  [421, /line too long/, "malformed", "4.5.2"],
  [451, /internal server error/, "internal"],
  [500, /not recognized/, "unknown-command"],
  [501, /^Authentication aborted/, "auth"],
  [501, /(?:)/, "malformed"],
  [503, /(?:)/, "bad-sequence"],
  [504, /authentication type/, "auth"],
  [530, /(?:)/, "auth"],
  [552, /message size/, "too-large"],
];

/** What nobody foresaw: ours to mend when it passes, the client's when it does not. */
const unforeseen = (code: number): LibraryReply => [code, /(?:)/, code < 500 ? "internal" : "malformed"];

/**
 * Each refusal that leaves this connection bears the name of an outcome at its end, those of smtp-server too; `told`
 * hears of the latter. To be called before anything is read from the connection.
 */
export function nameReplies(
  connection: Connection,
  told: (reply: { code: number; reason: DecisionReason }, session: SMTPServerSession) => void,
): void {
  const send = connection.send.bind(connection);
  connection.send = (code, data, context) => {
    // Where a reply brings its own enhanced code the library adds none.
    if (typeof data !== "string" || code < 400 || NAMED.test(data))
      return send(code, data, own(data, context));
    const row = LIBRARY_REPLIES.find(([of, words]) => of === code && words.test(data));
    const [, , reason, enhanced] = row ?? unforeseen(code);
    told({ code, reason }, connection.session);
    const text = `${enhanced ? `${enhanced} ` : ""}${data} [${reason}]`;
    send(code, text, own(text, context));
  };
}

const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3} /;
const own = (data: unknown, context: string | false | undefined) =>
  typeof data === "string" && ENHANCED.test(data) ? false : context;

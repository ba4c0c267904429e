import { decodeText, headerOf, type Mail } from "../mime/index.ts";
import { addressesIn } from "./address.ts";
import { saysAutoReply, soundsAutoReply } from "./auto-reply.ts";
import { hasDeliveryStatus, readDsn } from "./dsn.ts";
import type { Failure } from "./failure.ts";
import { readNotice, splitNotice, wordsAbout } from "./notice.ts";
import { readOriginal } from "./original.ts";
import { DAEMONS, matches, OPENINGS, SUBJECTS } from "./senders.ts";
import type { InspectedRecipient, Inspection } from "./types.ts";
import { judge } from "./verdict.ts";

/** Servers write in these places of a message too. */
const SENDERS = ["from", "sender", "return-path", "reply-to"];
const DELAYED_SUBJECT =
  /delay|deferred|warning: (?:could not|message)|not (?:yet )?been delivered|verzöger|retard|ritard|atras|vertraag|opóźn|задерж|遅延|延迟|延遲|försen|zpožd|gecik/i;
const DELAYED_TEXT =
  /(?:will|we'll) (?:continue to|keep|be) (?:try|retr|attempt)|still being (?:tried|retried)|not yet been delivered|has not been delivered yet|warning message only|no action is required|do not need to re-?send|temporary failure report|will be (?:retried|tried again)|wird weiter versucht|continuer(?:a|ont) d'essayer|seguirá intent|continuerà a|continuará a/i;
const UNDELIVERED = /(?:could not|cannot|was not) be delivered to|undeliverable|delivery (?:has )?failed/;
const GIVEN_UP =
  /giving up|given up|failed permanently|permanent(?:ly)? (?:fail|error)|fatal error|has been returned|not be retried/i;

/** Reads a bounce, in fields or in words only; undefined: it is none. Pure. */
export function readBounce(mail: Mail): Inspection | undefined {
  const fielded = hasDeliveryStatus(mail);
  if (!fielded && !looksLikeBounce(mail)) return undefined;
  const { notice, quoted } = splitNotice(mail.text);
  const original = readOriginal(mail, quoted);
  const listed = headersOf(mail, "x-failed-recipients").flatMap((value) => addressesIn(value));
  const failures = withWords(readDsn(mail, true), notice);
  const told = failures.some(({ address }) => address !== "")
    ? failures
    : fromWords(mail, notice, listed, original.original["to"] ?? "", failures[0]);
  const recipients = told.map(judge);
  return { kind: "bounce", recipients: recipients.length > 0 ? recipients : [nobody(notice)], original };
}

/** What a person wrote in answer to a bounce begins otherwise, and comes from a person. */
function looksLikeBounce(mail: Mail): boolean {
  if (headersOf(mail, "x-failed-recipients").length > 0) return true;
  const from = headersOf(mail, ...SENDERS)
    .join("\n")
    .slice(0, 4_000)
    .toLowerCase();
  const subject = headerOf(mail, "subject").slice(0, 500).toLowerCase();
  // Postfix tells its postmaster how a session went: nobody's mail came back with it.
  if (/^postfix smtp (?:server|client): errors from /.test(subject)) return false;
  const isDaemon = matches(DAEMONS, from);
  const isReport = /multipart\/report/i.test(headerOf(mail, "content-type").slice(0, 500));
  const opening = splitNotice(mail.text).notice.slice(0, 4_000).toLowerCase();
  const saysSubject = matches(SUBJECTS, subject) && !/^(?:re|aw|fwd?|sv|antw|tr|rv|wg)\s*:/.test(subject);
  const saysText = matches(OPENINGS, opening);
  if (saysAutoReply(mail) && !isDaemon && !isReport) return false;
  if (soundsAutoReply(mail) && !saysSubject) return false;
  if (isReport && (isDaemon || saysSubject || saysText)) return true;
  const quotes = mail.parts.some(({ type }) => type === "message/rfc822");
  if (isDaemon) return saysSubject || saysText || (quotes && /mailer-daemon/.test(from));
  if (saysSubject && headerOf(mail, "from").replace(/[<>\s]/g, "") === "") return true;
  const nullPath = headersOf(mail, "return-path").some((value) => /^<\s*>$/.test(value.trim()));
  if (nullPath && UNDELIVERED.test(opening.slice(0, 600).replace(/\s+/g, " "))) return true;
  return saysSubject && saysText && (nullPath || headerOf(mail, "in-reply-to") === "");
}

function headersOf(mail: Mail, ...names: string[]): string[] {
  return mail.headers.filter(({ name }) => names.includes(name)).map(({ value }) => value);
}

/** The words for people, beside the fields for machines. */
function withWords(failures: readonly Failure[], notice: string): Failure[] {
  const lines = notice.split("\n", 2_000);
  const all = failures.map(({ address }) => address).filter(Boolean);
  return failures
    .slice(0, 200)
    .map((failure) => {
      const about = failure.address === "" ? "" : wordsAbout(lines, failure.address, all);
      return { ...failure, notice: about, context: failures.length === 1 ? notice.slice(0, 3_000) : "" };
    })
    .concat(failures.slice(200));
}

function fromWords(
  mail: Mail,
  notice: string,
  listed: readonly string[],
  to: string,
  fields?: Failure,
): Failure[] {
  const senders = headersOf(mail, "to", "from", "delivered-to", "reply-to").join("\n");
  const not = new Set(addressesIn(senders).map((address) => address.toLowerCase()));
  const text = notice.trim() === "" ? otherText(mail) : notice;
  const intended = addressesIn(to);
  const strict = readNotice(text, listed, not);
  const found =
    strict.length > 0 ? strict : readNotice(text, [], new Set(addressesIn(headerOf(mail, "from"))));
  const meant = intended.length === 1 ? intended : intended.filter((address) => namesLocally(text, address));
  const told = found.length > 0 ? found : meant.length > 0 ? readNotice(text, meant, new Set()) : [];
  const action = actionOf(mail, text);
  return told.map((failure) => ({
    ...failure,
    action: fields && fields.action !== "unknown" ? fields.action : action,
    status: fields?.status ?? "",
    diagnostic: fields?.diagnostic ?? "",
    notice: says(failure.notice) ? failure.notice : text.slice(0, 3_000),
  }));
}

/** Some servers name their users without the domain: `<anna>: unknown`, `unknown user: "anna"`. */
function namesLocally(text: string, address: string): boolean {
  const local = address.slice(0, address.lastIndexOf("@")).toLowerCase();
  const words = text.slice(0, 3_000).toLowerCase();
  return [`<${local}>`, `"${local}"`, `'${local}'`, `user ${local} `, `user: ${local}\n`].some((form) =>
    words.includes(form),
  );
}

/** More than the address alone. */
const says = (notice: string) => notice.replace(/\S+@\S+/g, "").trim().length > 12;

function actionOf(mail: Mail, text: string): InspectedRecipient["action"] {
  const subject = headerOf(mail, "subject").slice(0, 500);
  const said = DELAYED_SUBJECT.test(subject) || DELAYED_TEXT.test(text.slice(0, 3_000).replace(/\s+/g, " "));
  return said && !GIVEN_UP.test(text.slice(0, 4_000)) ? "delayed" : "failed";
}

/** Some send the notice as a part that is no text. */
function otherText(mail: Mail): string {
  const part = mail.parts.find(({ type }) => type.startsWith("text/") || type === "application/octet-stream");
  return part ? splitNotice(decodeText(part.content.subarray(0, 64 * 1024))).notice : "";
}

function nobody(notice: string): InspectedRecipient {
  return judge({
    address: "",
    action: "failed",
    status: "",
    diagnostic: "",
    remoteMta: "",
    notice: notice.slice(0, 3_000),
    context: "",
  });
}

import { ADDRESS, addressesIn, readAddress } from "./address.ts";
import type { Failure } from "./failure.ts";

type Mark = { vendor: string; pattern: RegExp };

/** Lines behind which a notice quotes the message that came back. */
const QUOTES: readonly Mark[] = [
  {
    vendor: "qmail",
    pattern: /^-{2,} ?(?:below this line is a copy|enclosed are|the header page|included is)/i,
  },
  { vendor: "exim", pattern: /^-{3,} ?(?:this is a copy of|the body of the message|here follows)/i },
  {
    vendor: "sendmail",
    pattern:
      /^-{3,} ?(?:unsent message|original message|message (?:header|text|follows|contents|included)|returned message|undelivered|forwarded|begin|message below|start of)/i,
  },
  {
    vendor: "exchange",
    pattern:
      /^(?:original message headers|kopfzeilen der ursprünglichen nachricht|ursprüngliche nachrichtenkopfzeilen|ursprüngliche nachrichtenköpfe|en-têtes de message d'origine|encabezados de mensajes? original(?:es)?|intestazioni (?:originali|messaggio originale)|cabeçalhos da mensagem original|oorspronkelijke berichtkoppen|oryginalne nagłówki|исходные заголовки сообщения|元のメッセージ ヘッダー|原始邮件(?:头|标题)|ursprungliga meddelanderubriker|původní hlavičky|özgün ileti üst)/i,
  },
  {
    vendor: "gmail",
    pattern:
      /^-{3,} ?(?:original message|ursprüngliche nachricht|message d'origine|mensaje original|messaggio originale|mensagem original|message header follows)/i,
  },
  { vendor: "yahoo", pattern: /^-{2,} ?(?:original message follows|below this line)/i },
  {
    vendor: "aol, mercury, others",
    pattern:
      /^(?:(?:the )?(?:original|returned|your|undelivered|unsent|rejected|first \d+ lines).{0,30}(?:message|mail|header)s?.{0,40}(?:follows?|below|is attached|begins?|enclosed):?$|[*=_#-]{3,}.{0,20}(?:original|returned|message header).{0,60}$|the (?:message )?header(?:s)? (?:of|from).{0,60}:$|copy of (?:the )?(?:original )?message.{0,40}$|message (?:header|text|contents?) follows:?$|received:? from .{1,200}|received: .{0,20}\(qmail|return-path: .{0,300})/i,
  },
];

/** A line that says for whom the mail was: the first group is the address. */
const SUBJECTS_OF_LINES: readonly Mark[] = [
  { vendor: "qmail, postfix, courier", pattern: line(`^\\s*[*>-]?\\s*"?<(${ADDRESS})>"?\\s*(?:[:;,(.]|$)`) },
  {
    vendor: "exim, exchange 2007, sendmail",
    pattern: line(`^\\s*[*•-]?\\s*[<'"]?(?:mailto:|smtp:)?(${ADDRESS})[>'"]?\\s*[.,:;]?\\s*$`),
  },
  {
    vendor: "sendmail",
    pattern: line(`^\\s*(?:[245]\\d\\d[ -])?(?:[245]\\.\\d{1,3}\\.\\d{1,3} )?<?(${ADDRESS})>?\\s?\\.\\.\\.`),
  },
  {
    vendor: "several",
    pattern: line(
      `^\\s*[<'"]?(${ADDRESS})[>'"]?\\s*(?::|;|,|\\s-{1,2}\\s|\\s(?:invalid|unknown|no such|user|mailbox|error|does|is|was|could|cannot|address|not|has|unrouteable|undeliverable)\\s|\\(|\\s[245]\\d\\d[ -]|\\s#|\\s=>|\\t)`,
    ),
  },
  { vendor: "several", pattern: line(`rcpt to:\\s{0,5}<?(${ADDRESS})`) },
  {
    vendor: "exchange 5.5",
    pattern: line(
      `^\\s*[<'"]?(${ADDRESS})[>'"]?(?:\\s+\\(.{0,80}\\))? on (?:mon|tue|wed|thu|fri|sat|sun|\\d)`,
    ),
  },
  {
    vendor: "exchange 2007",
    pattern: line(
      `^\\s*[^<>@:;]{1,80}\\s?[<(\\[](?:mailto:|smtp:)?(${ADDRESS})[>)\\]][\\])>]*\\s*(?:<mailto:.{1,300}>)?\\s*$`,
    ),
  },
  {
    vendor: "labelled",
    pattern: line(
      `^\\s*(?:\\[?(?:final|original|failed|intended|invalid)?[ -]?(?:recipients?|addressee|rcpt|address(?:es)?|e-?mail(?: address)?|user|account|mailbox|delivery to|empfänger(?:adresse)?|destinataires?|destinatari[oa]s?|ontvanger|odbiorca|адресат|получатель|宛先|受信者|收件人|mottagare|příjemce|alıcı)\\]?)\\s{0,3}[:：=]\\s{0,5}(?:rfc822;\\s?)?.{0,60}?[<\\[(]?(?:mailto:)?(${ADDRESS})`,
    ),
  },
  {
    vendor: "imail, mercury, mdaemon",
    pattern: line(
      `^\\s*(?:unknown (?:user|recipient|local user)|undeliverable(?: mail)? to|user mailbox exceeds allowed size|mailbox (?:full|not found)|invalid final delivery userid|delivery failed(?: to)?|(?:no such|user) (?:user|unknown|not found)|could not deliver (?:mail|message) to|mail to|failed addressee|error)\\s{0,3}[:,-]?\\s{1,5}[<'"]?(${ADDRESS})`,
    ),
  },
  { vendor: "exchange, x.400", pattern: line(`[:;]smtp=(${ADDRESS})`) },
  { vendor: "notes", pattern: line(`^\\s*user\\s.{0,80}\\((${ADDRESS})\\) not listed`) },
];

/** Sentences with the address in the middle; asked only where no line is about an address. */
const SENTENCES: readonly Mark[] = [
  {
    vendor: "several",
    pattern: line(
      `(?:delivering your mail to|\\bto|\\bfor|recipients?|addressee|address|user|mailbox|account|\\ban|à|para|aan|\\bdo|destinat\\S{2,6}|empfänger|adresse|inbox of)(?:\\s?:\\s{0,3}|\\s{1,3}|(?=[<]))[<'"“«(\\[]?(?:mailto:)?(${ADDRESS})`,
    ),
  },
];

function line(source: string): RegExp {
  return new RegExp(source, "iu");
}

const MOST_LINES = 2_000;
const MOST_RECIPIENTS = 200;

/** A text cut where it begins to quote the message that came back. */
export function splitNotice(text: string): { notice: string; quoted: string } {
  const lines = text.split("\n", MOST_LINES * 5);
  for (let i = 0; i < lines.length; i++) {
    const at = lines[i]!.slice(0, 500);
    const marked = QUOTES.some(({ pattern }) => pattern.test(at.trim()));
    if (i > 0 && (marked || startsHeader(lines, i))) {
      // A mark in front of all that says something is a heading.
      if (lines.slice(0, i).every((before) => before.trim() === "")) continue;
      return { notice: lines.slice(0, i).join("\n"), quoted: lines.slice(i).join("\n") };
    }
  }
  return { notice: text, quoted: "" };
}

const HEADER_LINE =
  /^(?:received|return-path|message-id|mime-version|content-type|content-transfer-encoding|delivered-to|x-[\w-]+|from|to|subject|date|reply-to|sender|dkim-signature|list-[\w-]+): ?/i;

function startsHeader(lines: readonly string[], i: number): boolean {
  return [0, 1, 2, 3].every(
    (n) => HEADER_LINE.test(lines[i + n] ?? "") || (n > 0 && /^[ \t]+\S/.test(lines[i + n] ?? "")),
  );
}

/** Whom a notice without fields is about, with the words about each. `not`: addresses that it cannot be about. */
export function readNotice(notice: string, known: readonly string[], not: ReadonlySet<string>): Failure[] {
  const lines = unfolded(notice)
    .split("\n", MOST_LINES)
    .map((text) => text.slice(0, 1_000).replace(/\s+/g, " ").trim());
  const senders = new Set(sendersIn(lines));
  const allowed = (address: string) =>
    address !== "" && !not.has(address.toLowerCase()) && !senders.has(address.toLowerCase());
  const found = known.length > 0 ? known : findRecipients(lines, allowed);
  return found.slice(0, MOST_RECIPIENTS).map((address) => ({
    address,
    action: "unknown",
    status: "",
    remoteMta: "",
    diagnostic: "",
    notice: wordsAbout(lines, address, found),
    context: found.length === 1 ? lines.join("\n").slice(0, 3_000) : "",
  }));
}

/** Who a notice says had sent the mail. */
const sendersIn = (lines: readonly string[]): string[] =>
  lines
    .map((text, i) => (/^sender(?: address)?:$/i.test(text) ? `${text} ${lines[i + 1] ?? ""}` : text))
    .filter((text) => /^sender(?: address)?:/i.test(text))
    .flatMap((text) => addressesIn(text, 5))
    .map((address) => address.toLowerCase());

/** Postfix indents what goes on: an address there is not one more recipient. */
function unfolded(notice: string): string {
  return /^<[^<>\s]{1,320}>(?: \([^()\n]{0,400}\))?:\s/m.test(notice)
    ? notice.replace(/\r?\n[ \t]{1,8}(?=\S)/g, " ")
    : notice;
}

/** To whom a notice says that one may turn. */
const HELPERS =
  /^(?:postmaster|mailer-daemon|abuse|support|help|helpdesk|hostmaster|webmaster|no-?reply|bounces?)@/i;

/** Behind such a line stand the recipients; what is named before it may be whom the mail had been for. */
const FROM_HERE =
  /did not reach the following recipient|(?:could not|couldn't|cannot) be (?:delivered|reached)[^.]{0,60}:$|folgenden? empfänger[^.]{0,60}:$|n'a pas atteint|no ha? llegado a|non ha raggiunto/i;

function findRecipients(all: readonly string[], allowed: (address: string) => boolean): string[] {
  const start = all.findIndex((text) => FROM_HERE.test(text)) + 1;
  const behind = start > 0 ? recipientsIn(all.slice(start), allowed) : [];
  return behind.length > 0 ? behind : recipientsIn(all, allowed);
}

function recipientsIn(lines: readonly string[], allowed: (address: string) => boolean): string[] {
  for (const marks of [SUBJECTS_OF_LINES, SENTENCES]) {
    const found = new Map<string, string>();
    for (const text of lines) {
      if (!text.includes("@")) continue;
      for (const { pattern } of marks) {
        const hit = pattern.exec(text)?.[1];
        const address = hit === undefined ? "" : readAddress(hit);
        if (!allowed(address)) continue;
        if (!found.has(address.toLowerCase())) found.set(address.toLowerCase(), address);
        break;
      }
      if (found.size >= MOST_RECIPIENTS) break;
    }
    const people = [...found.values()].filter((address) => !HELPERS.test(address));
    if (found.size > 0) return people.length > 0 ? people : [...found.values()];
  }
  return addressesIn(lines.join("\n"), 50).filter(allowed).slice(0, 1);
}

/** From each line that names the address to the next line that names another; one line of text, bounded. */
export function wordsAbout(lines: readonly string[], address: string, all: readonly string[]): string {
  const wanted = address.toLowerCase();
  const others = all.map((other) => other.toLowerCase()).filter((other) => other !== wanted);
  let open = false;
  let words = "";
  for (const text of lines) {
    const lower = text.toLowerCase();
    if (lower.includes(wanted)) open = true;
    else if (others.some((other) => lower.includes(other))) open = false;
    if (open && text.trim() !== "") words += `${text.trim()} `;
    if (words.length > 3_000) break;
  }
  return words.trim();
}

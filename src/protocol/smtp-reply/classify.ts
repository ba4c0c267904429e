import { saidInOtherWords } from "./languages.ts";
import { CLEAR, COARSE, VAGUE, type FineClass } from "./phrases.ts";

/** What a reply means. */
export type ReplyClass =
  | "ok"
  | "bad-mailbox"
  | "bad-domain"
  | "mailbox-full"
  | "policy"
  | "blocked"
  | "authentication"
  | "content"
  | "too-large"
  | "greylisted"
  | "rate-limited"
  | "no-tls"
  | "network"
  | "expired"
  | "system"
  | "unknown";

/** Who can mend it. */
export type ReplyFault = "recipient" | "member" | "pool" | "remote" | "none";

export const REPLY_PHASES = ["connect", "ehlo", "starttls", "mail", "rcpt", "data", "body"] as const;
export type ReplyPhase = (typeof REPLY_PHASES)[number];

type Reply = {
  /** Three digits; 0 when the conversation broke without a reply. */
  code: number;
  /** RFC 3463 code such as `5.1.1`, or empty. */
  enhanced: string;
  text: string;
  phase: ReplyPhase;
};

export type Classified = { class: ReplyClass; permanent: boolean; fault: ReplyFault };

const FAULT: Record<ReplyClass, ReplyFault> = {
  ok: "none",
  "bad-mailbox": "recipient",
  "bad-domain": "recipient",
  "mailbox-full": "recipient",
  policy: "pool",
  blocked: "pool",
  authentication: "member",
  content: "member",
  "too-large": "member",
  greylisted: "none",
  "rate-limited": "pool",
  "no-tls": "remote",
  network: "remote",
  expired: "remote",
  system: "remote",
  unknown: "none",
};

/** What a permanent fault of the enhanced code means where the words said nothing (RFC 3463, RFC 7372, RFC 7505). */
const ENHANCED: readonly [RegExp, FineClass][] = [
  [/^[45]\.1\.(?:1|3|6)$/, "bad-mailbox"],
  [/^[45]\.1\.(?:2|10)$/, "bad-domain"],
  [/^[45]\.1\.[78]$/, "authentication"],
  [/^5\.2\.1$/, "inactive"],
  [/^4\.2\.1$/, "system"],
  [/^[45]\.2\.2$/, "mailbox-full"],
  [/^[45]\.[23]\.[34]$/, "too-large"],
  [/^[45]\.3\.\d+$/, "system"],
  [/^[45]\.4\.4$/, "bad-domain"],
  [/^[45]\.4\.6$/, "configuration"],
  [/^[45]\.4\.7$/, "expired"],
  [/^[45]\.4\.\d+$/, "network"],
  [/^[45]\.5\.3$/, "rate-limited"],
  [/^[45]\.6\.\d+$/, "content"],
  [/^[45]\.7\.(?:20|21|22|23|24|25|26|27|30|31|32|40|509|515)$/, "authentication"],
  [/^[45]\.7\.28$/, "rate-limited"],
  [/^[45]\.7\.(?:10|29)$/, "no-tls"],
  [/^[45]\.7\.(?:606|607|70\d|511)$/, "blocked"],
  [/^[45]\.7\.\d+$/, "policy"],
];

/** Only codes of these classes are about the recipient, whatever the words of a greeting. */
const HOST_PHASES: readonly ReplyPhase[] = ["connect", "ehlo", "starttls"];

/**
 * Judges one reply of a receiving server. `permanent` means: do not try this recipient again. What a host says before
 * MAIL is about us and now, so it is never permanent.
 */
export function classify(reply: Reply): Classified {
  const kind = classOf(reply);
  return { class: kind, permanent: isPermanent(reply, kind), fault: FAULT[kind] };
}

/** Whether a reply of this class ends the tries for the recipient. */
export function isPermanent({ code, phase }: Pick<Reply, "code" | "phase">, kind: ReplyClass): boolean {
  return code >= 500 && !HOST_PHASES.includes(phase) && kind !== "greylisted" && kind !== "no-tls";
}

export const REPLY_CLASSES = Object.keys(FAULT) as readonly ReplyClass[];

export function faultOf(kind: ReplyClass): ReplyFault {
  return FAULT[kind];
}

/** What the words of a reply or a bounce say, in any language that we know; at most 2,000 characters are read. */
export function saidClass(text: string): FineClass | undefined {
  const words = text.slice(0, 2000).toLowerCase();
  const rest = words.replace(STANDARD, " ");
  return (rest === words ? undefined : (inEnglish(CLEAR, rest) ?? inEnglish(RULES, rest))) ?? saidIn(words);
}

/** Sentences of RFC 5321 4.2.3 that stand in front of what is meant. */
const STANDARD = /requested (?:mail )?action (?:not taken|aborted) ?:? ?(?:mailbox unavailable)?/g;

const RULES = VAGUE.filter(([kind]) => kind === "policy");

const saidIn = (words: string): FineClass | undefined =>
  inEnglish(CLEAR, words) ?? saidInOtherWords(words) ?? inEnglish(VAGUE, words);

const inEnglish = (phrases: typeof CLEAR, words: string): FineClass | undefined =>
  phrases.find(([, pattern]) => pattern.test(words))?.[0];

/** What an RFC 3463 code means by itself. */
export function codedClass(enhanced: string): FineClass | undefined {
  return ENHANCED.find(([pattern]) => pattern.test(enhanced))?.[1];
}

const coarse = (kind: FineClass): ReplyClass => COARSE[kind] ?? (kind as ReplyClass);

function classOf({ code, enhanced, text, phase }: Reply): ReplyClass {
  if (code >= 200 && code < 400) return "ok";
  if (code === 0) return phase === "starttls" ? "no-tls" : "network";
  if (phase === "starttls") return "no-tls";
  const fine = saidClass(text);
  const said = fine && coarse(fine);
  const precise = codedClass(enhanced);
  const coded = precise && coarse(precise);
  if (HOST_PHASES.includes(phase)) {
    return said === "rate-limited" || said === "greylisted" || said === "authentication" || code < 500
      ? (said ?? "system")
      : "blocked";
  }
  // "Try again" is no answer where the code is precise.
  if (
    said &&
    !((said === "system" || said === "network" || said === "expired") && coded && coded !== "policy")
  )
    return said;
  return coded ?? codeClass(code, phase, text) ?? "unknown";
}

/** Words by which a server speaks of whoever sends, not of whom it is for. */
const ABOUT_US =
  /\b(?:sender|from address|mail from|return.path|identity|your (?:mail|e-?mail|message|domain|server|ip|host|account))\b/i;

/** What a reply code alone means for a recipient (RFC 5321 4.2), where the words are of no known kind. */
export function codeClass(code: number, phase: ReplyPhase, words = ""): ReplyClass | undefined {
  if ((code === 550 || code === 551 || code === 553) && ABOUT_US.test(words)) return "policy";
  if (code === 500 || (code >= 502 && code <= 504)) return "system";
  if (code === 550 || code === 551 || code === 553) return phase === "rcpt" ? "bad-mailbox" : "policy";
  if (code === 552) return "mailbox-full";
  if (code === 421 || code === 451 || code === 452) return "system";
  return undefined;
}

/** Splits `550-5.1.1 text` (any number of lines) into its parts; text is one line of at most 1,000 characters. */
export function parseReply(raw: string): { code: number; enhanced: string; text: string } {
  const lines = raw.slice(0, 4000).split(/\r?\n/);
  const code = Number(/^\d{3}/.exec(lines[0] ?? "")?.[0] ?? 0);
  let enhanced = "";
  const text = lines
    .map((line) => {
      const rest = line.replace(/^\d{3}[ -]?/, "");
      const match = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)/.exec(rest);
      if (!match) return rest.trim();
      enhanced ||= match[1]!;
      return rest.slice(match[0].length).trim();
    })
    .filter(Boolean)
    .join(" ");
  return { code, enhanced, text: text.slice(0, 1_000) };
}

/** The text without mail addresses, for events. */
export function withoutAddresses(text: string): string {
  return text.replace(/[^\s<>"'(),;:[\]]{1,64}@[^\s<>"'(),;:[\]]{1,255}/g, "<address>");
}

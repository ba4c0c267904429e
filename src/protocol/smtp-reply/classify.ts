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

/** Words say more than codes (RFC 3463 codes are often the nearest at hand), so they are asked first, in this order. */
const WORDS: readonly [ReplyClass, RegExp][] = [
  ["greylisted", /gr[ea]y[- ]?list|postgrey|try again in \d+ (?:seconds|minutes).*first/],
  [
    "authentication",
    /\b(?:spf|dkim|dmarc)\b|unauthenticated|sender (?:address|domain).{0,40}(?:rejected|not found|not exist)|authentication (?:checks|level|information|results|requirements)|not aligned|5\.7\.515|must have (?:a )?(?:valid )?ptr|reverse dns|\bptr\b/,
  ],
  [
    "rate-limited",
    /rate[- ]limit|unusual rate|too many (?:messages|connections|mails|recipients|concurrent|sessions|emails)|throttl|receiving mail at a rate|exceeded .*(?:connection|rate|messages)|temporarily deferred due to|user complaints|slow down|connection limit|\[ts0\d\]|as\(\d+\).*(?:limit|exceed)/,
  ],
  [
    "blocked",
    /block ?list|black ?list|deny ?list|spamhaus|spamcop|barracuda|sorbs|invaluement|\b(?:dns|r)bl\b|banned|part of their network is on|poor (?:ip )?reputation|low reputation|reputation of the (?:sending )?(?:ip|domain)|(?:\bip\b|client host|\bhost|mail server|network).{0,60}(?:blocked|not allowed|rejected|listed)|blocked using|listed (?:at|in|by|on)|\bs3140\b|\bs3150\b|csi\.cloudmark|access denied, banned/,
  ],
  [
    "content",
    /spam|virus|malware|phish|suspicious|unsolicited|content (?:rejected|filter|restriction|denied|presents)|prohibited attachment|message (?:looks|content|contains)|header.*(?:missing|invalid|duplicate)|not rfc ?(?:5321|5322|2822|822)|multiple 'from'|lines? too long/,
  ],
  [
    "mailbox-full",
    /over ?quota|quota (?:exceeded|full)|mailbox (?:is )?full|exceeded.*(?:storage|quota)|insufficient.*mailbox|inbox is full|out of storage|storage (?:space|quota|allocation)|mailbox size limit|full mailbox/,
  ],
  [
    "too-large",
    /(?:message|mail|size).{0,40}(?:too (?:big|large)|exceeds)|exceed.{0,40}(?:maximum|max|fixed).{0,20}size|size limit/,
  ],
  [
    "bad-mailbox",
    /(?:user|recipient|mailbox|account|address|addressee|inbox|mail ?box|rcpt).{0,60}(?:unknown|not exist|n't exist|not found|unavailable|disabled|invalid|inactive|no longer|rejected|not (?:a )?valid|suspended|deactivated|discontinued|undeliverable|does not have|deleted|expired|isn't|not listed)|(?:unknown|no such|invalid|unrouteable|bad|inactive|unroutable|unable to find|not a known|no valid).{0,30}(?:user|recipient|mailbox|account|address|person|rcpt)|no mailbox|this user doesn't have|not our customer|does not like recipient|no longer (?:with|works|accept)|user has moved/,
  ],
  [
    "bad-domain",
    /(?:domain|host).{0,40}(?:not found|unknown|does not exist|doesn't exist|invalid|no mx)|relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed)|unable to relay|not (?:permitted|allowed) to relay|we do not relay|null ?mx|does not accept mail|no mail is accepted|unrouteable|domain isn't in my list/,
  ],
  [
    "no-tls",
    /starttls.*(?:required|first)|must issue a starttls|tls (?:is )?required|encryption required|5\.7\.29|4\.7\.29/,
  ],
  [
    "policy",
    /policy|not authori[sz]ed|access denied|permission denied|administrative prohibition|rejected by recipient|restricted|closed for/,
  ],
  [
    "system",
    /local (?:error|problem|delivery)|internal (?:server )?error|insufficient (?:system )?(?:storage|resources)|system (?:error|resources|problem|busy)|server (?:busy|error|configuration)|service (?:unavailable|not available)|temporar(?:y|ily)|try again|resources (?:temporarily )?unavailable|lookup failure|timed? ?out|disk full/,
  ],
];

/** What a permanent fault of the enhanced code means where the words said nothing (RFC 3463, RFC 7372, RFC 7505). */
const ENHANCED: readonly [RegExp, ReplyClass][] = [
  [/^[45]\.1\.(?:1|3|6|0)$/, "bad-mailbox"],
  [/^[45]\.1\.(?:2|10)$/, "bad-domain"],
  [/^[45]\.1\.[78]$/, "authentication"],
  [/^[45]\.2\.1$/, "bad-mailbox"],
  [/^[45]\.2\.2$/, "mailbox-full"],
  [/^[45]\.[23]\.[34]$/, "too-large"],
  [/^[45]\.3\.\d+$/, "system"],
  [/^[45]\.4\.4$/, "bad-domain"],
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

function classOf({ code, enhanced, text, phase }: Reply): ReplyClass {
  if (code >= 200 && code < 400) return "ok";
  if (code === 0) return phase === "starttls" ? "no-tls" : "network";
  if (phase === "starttls") return "no-tls";
  const words = text.slice(0, 1000).toLowerCase();
  const said = WORDS.find(([, pattern]) => pattern.test(words))?.[0];
  const coded = ENHANCED.find(([pattern]) => pattern.test(enhanced))?.[1];
  if (HOST_PHASES.includes(phase)) {
    return said === "rate-limited" || said === "greylisted" || said === "authentication" || code < 500
      ? (said ?? "system")
      : "blocked";
  }
  // "Try again" is no answer where the code is precise.
  if (said && !(said === "system" && coded && coded !== "policy")) return said;
  if (coded) return coded;
  if (code === 550 || code === 551 || code === 553) return phase === "rcpt" ? "bad-mailbox" : "policy";
  if (code === 552) return "mailbox-full";
  if (code === 421 || code === 451 || code === 452) return "system";
  return "unknown";
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

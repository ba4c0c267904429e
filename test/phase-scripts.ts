import type { ReplyClass } from "../src/protocol/smtp-reply/index.ts";
import type { Deadlines } from "../src/relay/context.ts";
import type { DomainRule } from "../src/transport/index.ts";
import { OFFERS, type Script } from "./scripted-sink.ts";
import type { Ended } from "./scripts.ts";

/** What has a deadline. */
export type Phase = Exclude<keyof Deadlines, "connect" | "allHosts">;

export const deferred = (transcript: RegExp, kind: ReplyClass = "network"): Ended => ({
  state: "deferred",
  class: kind,
  permanent: false,
  transcript,
});
const delivered = (transcript = /S: 250 2\.0\.0 Kept/): Ended => ({
  state: "delivered",
  class: "ok",
  permanent: false,
  transcript,
});
const CHUNKING = [...OFFERS, "CHUNKING"];
const CLOSED = /closed|reset/i;
const LATE = /no answer within/;

export type Row = [name: string, Script, Ended, more?: { text?: string; rule?: DomainRule; late?: Phase }];
const LARGE = "A line of a large message.\r\n".repeat(40_000);

/** By the phase in which it happens; few enough for one member's mail to be nothing out of the ordinary. */
export const PHASE_SCRIPTS: Record<string, Row[]> = {
  "before TLS": [
    ["goes at once", { banner: { goes: "away" } }, deferred(CLOSED)],
    ["is reset at once", { banner: { goes: "reset" } }, deferred(CLOSED)],
    ["never greets", { banner: "silence" }, deferred(LATE), { late: "greeting" }],
    ["greets slowly", { banner: { says: "220 mx", afterMs: 100 } }, delivered()],
    ["greets in many lines", { banner: "220-mx\n220-is\n220 here" }, delivered(/S: 220-is\nS: 220 here/)],
    [
      "greets too slowly",
      { banner: { says: "220 mx", afterMs: 60_000 } },
      deferred(LATE),
      { late: "greeting" },
    ],
    [
      "greets octet by octet",
      { banner: { says: "220 mx.peer.test", perOctetMs: 200 } },
      deferred(LATE),
      { late: "greeting" },
    ],
    ["greets with 421", { banner: "421 4.3.2 Busy" }, deferred(/S: 421/, "system")],
    [
      "greets with 554, which is for good only of a recipient",
      { banner: "554 No SMTP service here" },
      deferred(/S: 554/, "blocked"),
    ],
    ["greets with 250", { banner: "250 mx" }, deferred(/S: 250 mx/)],
    ["is no SMTP", { banner: "HTTP/1.1 400 Bad Request" }, deferred(/is no SMTP/)],
    ["greets without end", { banner: `220 ${"x".repeat(5_000)}` }, deferred(/too long/)],
    ["greets in a thousand lines", { banner: `${"220-x\n".repeat(1_000)}220 x` }, deferred(/too long/)],
    ["goes at EHLO", { ehlo: { goes: "away" } }, deferred(CLOSED)],
    ["is silent at EHLO", { ehlo: "silence" }, deferred(LATE), { late: "ehlo" }],
    ["knows no EHLO, so no TLS either", { ehlo: "502 5.5.1 What?" }, deferred(/S: 502/, "no-tls")],
    [
      "knows no EHLO, and mail may go in clear",
      { ehlo: "500 5.5.2 Unknown", tls: "none", offers: [] },
      delivered(/C: HELO/),
      { rule: { tls: "clear", minVersion: "TLSv1.2" } },
    ],
    [
      "refuses us at EHLO, by name",
      { ehlo: "554 5.7.1 Your address is blocked" },
      deferred(/S: 554/, "blocked"),
    ],
  ],
  "at TLS": [
    ["offers no TLS", { tls: "none" }, deferred(/no encryption/, "no-tls")],
    [
      "offers no TLS, by the operator's exception",
      { tls: "none" },
      delivered(),
      { rule: { tls: "clear", minVersion: "TLSv1.2" } },
    ],
    ["454 to STARTTLS", { starttls: "454 4.7.0 TLS not available" }, deferred(/S: 454/, "no-tls")],
    ["501 to STARTTLS", { starttls: "501 5.5.4 Syntax" }, deferred(/S: 501/, "no-tls")],
    ["goes at STARTTLS", { starttls: { goes: "away" } }, deferred(CLOSED, "no-tls")],
    ["is silent at STARTTLS", { starttls: "silence" }, deferred(LATE, "no-tls"), { late: "tls" }],
    ["220 and no TLS", { tls: "garbage" }, deferred(/S: 220/, "no-tls")],
    ["220 and goes", { tls: "gone" }, deferred(CLOSED, "no-tls")],
    [
      "220 with words put in",
      { starttls: "220 Ready\n250 injected" },
      deferred(/put words in|in clear after STARTTLS/, "no-tls"),
    ],
    ["TLS 1.1", { tls: "old" }, deferred(/protocol|version/i, "no-tls")],
  ],
  "by its certificate": [
    ["a certificate of nobody known, at the floor", { tls: "stranger" }, delivered(/not trusted/)],
    ["a certificate that is over, at the floor", { tls: "expired" }, delivered(/not trusted/)],
    [
      "a certificate of another name, where a good one is asked for",
      { tls: "other-name" },
      deferred(/not used/, "no-tls"),
      { rule: { tls: "verified", minVersion: "TLSv1.2" } },
    ],
    [
      "a certificate of nobody known, where a good one is asked for",
      { tls: "stranger" },
      deferred(/not used/, "no-tls"),
      { rule: { tls: "verified", minVersion: "TLSv1.2" } },
    ],
    ["goes after TLS", { secured: { goes: "away" } }, deferred(CLOSED, "no-tls")],
    ["is silent after TLS", { secured: "silence" }, deferred(LATE, "no-tls"), { late: "ehlo" }],
  ],
  "at MAIL and RCPT": [
    ["refuses MAIL for now", { mail: "451 4.3.0 Not now" }, deferred(/S: 451/, "system")],
    [
      "refuses MAIL in many lines",
      { mail: "550-5.7.1 This is\n550 5.7.1 our policy" },
      {
        state: "bounced",
        class: "policy",
        permanent: true,
        transcript: /S: 550-5\.7\.1 This is\nS: 550 5\.7\.1 our policy/,
      },
    ],
    ["goes at MAIL", { mail: { goes: "away" } }, deferred(CLOSED)],
    ["421 at MAIL", { mail: { says: "421 4.3.2 Closing", goes: "away" } }, deferred(/S: 421/, "system")],
    ["is silent at MAIL", { mail: "silence" }, deferred(LATE), { late: "mail" }],
    [
      "says MAIL octet by octet",
      { mail: { says: "250 2.1.0 OK", perOctetMs: 200 } },
      deferred(LATE),
      { late: "mail" },
    ],
    [
      "knows nobody",
      { rcpt: "550 5.1.1 User unknown" },
      {
        state: "bounced",
        class: "bad-mailbox",
        permanent: true,
        transcript: /C: RCPT TO:[^]*S: 550 5\.1\.1/,
      },
    ],
    [
      "knows nobody, and has no PIPELINING",
      { rcpt: "550 5.1.1 User unknown", offers: OFFERS.slice(1) },
      {
        state: "bounced",
        class: "bad-mailbox",
        permanent: true,
        transcript: /C: RCPT TO:.*\nS: 550[^]*C: RSET/,
      },
    ],
    ["goes at RCPT", { rcpt: { goes: "away" } }, deferred(CLOSED)],
    [
      "421 at RCPT",
      { rcpt: { says: "421 4.7.0 Too many connections", goes: "away" } },
      deferred(/S: 421/, "rate-limited"),
    ],
    ["answers DATA before RCPT", { dataFirst: true }, deferred(/S: 354/)],
  ],
  "in the message": [
    ["refuses DATA", { data: "451 4.3.0 Not now" }, deferred(/S: 451/, "system")],
    ["takes DATA for 250", { data: "250 OK" }, deferred(/C: DATA[^]*S: 250 OK/)],
    ["goes at DATA", { data: { goes: "away" } }, deferred(CLOSED)],
    ["is silent at DATA", { data: "silence" }, deferred(LATE), { late: "dataStart" }],
    [
      "goes in the middle of the message",
      { body: { after: 100_000, does: { goes: "away" } } },
      deferred(/closed|reset|EPIPE/i),
      { text: LARGE },
    ],
    [
      "stops reading",
      { body: { after: 1_000, does: "deaf" } },
      deferred(/not taken within/),
      { text: LARGE.repeat(12), late: "body" },
    ],
    [
      "refuses in the middle of the message",
      { body: { after: 100_000, does: { says: "552 5.3.4 Message too big", goes: "away" } } },
      { state: "bounced", class: "too-large", permanent: true, transcript: /S: 552/ },
      { text: LARGE.repeat(12) },
    ],
    ["goes after the final dot", { dot: { goes: "away" } }, deferred(CLOSED)],
    ["is silent after the final dot", { dot: "silence" }, deferred(LATE), { late: "dataEnd" }],
    [
      "refuses after the final dot",
      { dot: "554 5.7.1 Message rejected as spam" },
      { state: "bounced", class: "content", permanent: true, transcript: /S: 554/ },
    ],
    ["defers after the final dot", { dot: "451 4.7.1 Greylisted" }, deferred(/S: 451/, "greylisted")],
    ["answers the dot with no SMTP", { dot: "OK" }, deferred(/is no SMTP/)],
    ["answers the dot without end", { dot: `451 ${"x".repeat(70_000)}` }, deferred(/too long/)],
    [
      "offers CHUNKING before TLS alone",
      { ehlo: `250-mx\n250-PIPELINING\n250-CHUNKING\n250 STARTTLS` },
      delivered(/C: DATA/),
    ],
    [
      "offers CHUNKING under TLS alone",
      { ehlo: "250-mx\n250 STARTTLS", offers: CHUNKING },
      delivered(/C: BDAT \d+ LAST\nS: 250/),
    ],
    [
      "takes a chunk in and goes",
      { offers: CHUNKING, dot: { goes: "away" } },
      deferred(/C: BDAT[^]*whether the host took it is not known/),
    ],
    [
      "is silent after a chunk",
      { offers: CHUNKING, dot: "silence" },
      deferred(/C: BDAT[^]*no answer within/),
      { late: "dataEnd" },
    ],
    [
      "refuses a chunk",
      { offers: CHUNKING, dot: "554 5.7.1 Message rejected as spam" },
      { state: "bounced", class: "content", permanent: true, transcript: /C: BDAT[^]*S: 554[^]*C: RSET/ },
    ],
    [
      "knows nobody, and takes the chunk in",
      { offers: CHUNKING, rcpt: "550 5.1.1 User unknown" },
      { state: "bounced", class: "bad-mailbox", permanent: true, transcript: /S: 550[^]*S: 503[^]*C: RSET/ },
    ],
    ["pipelines", {}, delivered()],
    ["does not pipeline", { offers: OFFERS.slice(1) }, delivered()],
    ["offers nothing at all", { offers: [] }, delivered()],
  ],
};

import type { TLSSocket } from "node:tls";
import { systemClock } from "../../lib/clock.ts";
import type { ReplyPhase } from "../../protocol/smtp-reply/index.ts";
import {
  judgeOf,
  type TlsNeed,
  type TlsProof,
  type TlsResultType,
  type TlsVerdict,
} from "../../transport/index.ts";
import type { Deadlines } from "../context.ts";
import { lackingFor, offersOf, type Needs, type Offers, type Reply } from "./envelope.ts";
import { proofOf } from "./proof.ts";
import { createTranscript, type Transcript } from "./transcript.ts";
import { hear, say, transfer, type Session, type Transfer, type TransferResult } from "./transfer.ts";
import { connectWire, type Wire } from "./wire.ts";

export type { Reply } from "./envelope.ts";
export type { Transfer, TransferResult } from "./transfer.ts";

export const DEADLINES: Deadlines = {
  connect: 30_000,
  greeting: 60_000,
  ehlo: 60_000,
  tls: 30_000,
  allHosts: 60_000,
  mail: 60_000,
  rcpt: 60_000,
  dataStart: 120_000,
  body: 600_000,
  dataEnd: 600_000,
};

export type Target = {
  name: string;
  address: string;
  port: number;
  /** What the host is asked for by (SNI); empty: by nothing. */
  servername: string;
  /** Do not begin TLS even where it is offered: only for exceptions, after it has failed. */
  clear: boolean;
  ehlo: string;
  localAddress?: string | undefined;
  /** PEM, trusted beside the system's authorities. */
  ca?: string | undefined;
  deadlines: Deadlines;
  /** For the whole opening, ms. */
  withinMs: number;
};

/** Whom we spoke with, as far as it came. */
export type Peer = { helo: string; localAddress: string; address: string };

export interface Conversation {
  readonly proof: TlsProof;
  readonly peer: Peer;
  /** Protocol and cipher, or empty. */
  readonly tls: string;
  /** Whether it has shown what is needed; each need is judged once. */
  judge(need: TlsNeed): TlsVerdict;
  /** The reply in its place to a message that it cannot take; undefined: it can. */
  lacking(needs: Needs): Reply | undefined;
  /** May another message go over it? */
  isUsable(): boolean;
  transfer(message: Transfer): Promise<TransferResult>;
  /** A note of ours in the transcript. */
  note(text: string): void;
  takeTranscript(): string;
  /** Ends the transfer under way, unless its final dot has left; nothing is delivered then. */
  abort(): void;
  /** Ends at once: whoever waits for an answer is told why there is none. */
  drop(why: string): void;
  /** QUIT. */
  close(): void;
}

export type Opened =
  | { ok: true; conversation: Conversation }
  | {
      ok: false;
      reply: Reply;
      transcript: string;
      peer: Peer;
      /** TLS was begun and failed: what reports call it. */
      tlsFault: TlsResultType | undefined;
    };

const QUIT_MS = 2_000;

/**
 * Opens a connection up to EHLO, under TLS (1.2 or newer) wherever the host offers it. Nothing is judged here: whoever uses
 * the connection asks `judge` before MAIL. Every phase has a deadline of its own in real time. Never rejects.
 */
export async function openConversation(target: Target): Promise<Opened> {
  const { name, address, port, deadlines, ehlo } = target;
  const transcript = createTranscript();
  transcript.add("*", `${name} [${address}]:${port}`);
  const until = performance.now() + target.withinMs;
  const within = (ms: number) => Math.max(1, Math.min(ms, until - performance.now()));
  const peer: Peer = { helo: "", localAddress: "", address };
  const wire = await connectWire(target, within(deadlines.connect));
  if ("fault" in wire) {
    transcript.add("*", wire.fault);
    const reply = { code: 0, enhanced: "", text: wire.fault.slice(0, 300), phase: "connect" as const };
    return { ok: false, reply, transcript: transcript.take(), peer, tlsFault: undefined };
  }
  peer.localAddress = wire.socket().localAddress ?? "";
  transcript.add("*", `connected, from ${peer.localAddress}`);
  const heard = { wire, transcript };
  const failed = (reply: Reply, tlsFault?: TlsResultType): Opened => {
    if (reply.code > 0 && wire.isQuiet()) say(heard, "QUIT");
    wire.break("the conversation is over");
    const { code, enhanced, text, phase } = reply;
    return {
      ok: false,
      reply: { code, enhanced, text, phase },
      transcript: transcript.take(),
      peer,
      tlsFault,
    };
  };

  const greeting = await hear(heard, "connect", within(deadlines.greeting));
  if (greeting.code !== 220) return failed(unasked(greeting));
  let hello = await greet(heard, ehlo, "ehlo", within(deadlines.ehlo), target.clear);
  if ("reply" in hello)
    return failed(hello.reply, hello.reply.phase === "starttls" ? "starttls-not-supported" : undefined);
  let secure: TLSSocket | undefined;
  if (hello.offers.has("STARTTLS") && !target.clear) {
    say(heard, "STARTTLS");
    const ready = await hear(heard, "starttls", within(deadlines.tls));
    if (ready.code !== 220) return failed(unasked(ready), "starttls-not-supported");
    const begun = await wire.startTls(target.servername, within(deadlines.tls));
    if ("fault" in begun) {
      transcript.add("*", begun.fault);
      const text = `TLS could not be begun: ${begun.fault}`.slice(0, 300);
      return failed({ code: 0, enhanced: "", text, phase: "starttls" }, "validation-failure");
    }
    secure = begun;
    hello = await greet(heard, ehlo, "starttls", within(deadlines.ehlo), false);
    if ("reply" in hello) return failed(hello.reply);
  }
  peer.helo = hello.name;
  const proof = proofOf(name, secure, hello.offers.has("REQUIRETLS"));
  transcript.add("*", describe(proof));
  return {
    ok: true,
    conversation: conversationOf(wire, transcript, {
      host: `${address} ${port}`,
      deadlines,
      proof,
      peer,
      offers: hello.offers,
    }),
  };
}

/** A yes that nobody asked for is no answer. */
function unasked(reply: Reply): Reply {
  return reply.code >= 400 || reply.code === 0
    ? reply
    : { ...reply, code: 0, enhanced: "", text: `the host answered ${reply.code} (${reply.phase})` };
}

/** Codes that are about the command, and not about who says it (RFC 5321 section 4.2.2). */
const NOT_UNDERSTOOD = new Set([500, 502, 503, 504]);

/** No EHLO, so no STARTTLS, and HELO would lead nowhere: what is said so is a plain sentence, and no block. */
function unknowing(reply: Reply): Reply {
  if (!NOT_UNDERSTOOD.has(reply.code)) return reply;
  const said = `${reply.code} ${reply.enhanced} ${reply.text}`.replace(/ +/g, " ").trim().slice(0, 150);
  const text = `the host does not understand EHLO, without which there is no encryption (it answered "${said}")`;
  return { code: 0, enhanced: "4.7.5", text, phase: "starttls" };
}

async function greet(
  heard: { wire: Wire; transcript: Transcript },
  ehlo: string,
  phase: ReplyPhase,
  ms: number,
  mayBeOld: boolean,
): Promise<{ name: string; offers: Offers } | { reply: Reply }> {
  say(heard, `EHLO ${ehlo}`);
  const hello = await hear(heard, phase, ms);
  if (hello.code === 250) return offersOf(hello.lines);
  if (!mayBeOld || hello.code < 500)
    return { reply: phase === "ehlo" ? unknowing(unasked(hello)) : unasked(hello) };
  say(heard, `HELO ${ehlo}`);
  const old = await hear(heard, phase, ms);
  return old.code === 250 ? offersOf(old.lines.slice(0, 1)) : { reply: unasked(old) };
}

function describe({ version, cipher, untrusted, named }: TlsProof): string {
  if (version === "") return "in clear";
  const trust = untrusted === undefined ? "trusted" : `not trusted (${untrusted})`;
  return `${version} ${cipher}, certificate ${trust}, ${named ? "with" : "without"} the host's name`;
}

function conversationOf(
  wire: Wire,
  transcript: Transcript,
  {
    host,
    deadlines,
    proof,
    peer,
    offers,
  }: { host: string; deadlines: Deadlines; proof: TlsProof; peer: Peer; offers: Offers },
): Conversation {
  const control = { dotGone: false, stopped: false };
  const session: Session = { wire, host, transcript, deadlines, offers, carried: 0, control };
  let busy = false;
  return {
    proof,
    peer,
    tls: `${proof.version} ${proof.cipher}`.trim(),
    judge: judgeOf(proof, () => systemClock.now()),
    lacking: (needs) => lackingFor(needs, offers),
    isUsable: () => !busy && wire.isQuiet(),
    async transfer(message) {
      busy = true;
      if (session.carried > 0) {
        const whom = `${peer.helo} [${peer.address}] from ${peer.localAddress}, ${describe(proof)}`;
        transcript.add("*", `message ${session.carried + 1} over an open connection to ${whom}`);
      }
      try {
        return await transfer(session, message);
      } finally {
        busy = false;
        session.carried++;
      }
    },
    note: (text) => transcript.add("*", text),
    takeTranscript: () => transcript.take(),
    abort() {
      if (!busy || (control.dotGone && wire.isFlushed())) return;
      control.stopped = true;
      wire.break("stopped");
    },
    drop: (why) => wire.break(why),
    close() {
      if (!wire.isQuiet()) return wire.break("the conversation is over");
      say(session, "QUIT");
      void hear(session, "body", QUIT_MS).then(() => wire.break("the conversation is over"));
    },
  };
}

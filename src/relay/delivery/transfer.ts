import { parseReply, type ReplyPhase } from "../../protocol/smtp-reply/index.ts";
import type { Deadlines } from "../context.ts";
import { gathered, isHarmless, stuffed } from "./body.ts";
import {
  lackingFor,
  mailCommand,
  rcptCommand,
  type Envelope,
  type EnvelopeRecipient,
  type Offers,
  type Reply,
} from "./envelope.ts";
import type { Transcript } from "./transcript.ts";
import type { Wire } from "./wire.ts";

export type Transfer = Envelope & {
  content: AsyncIterable<Uint8Array>;
  /** Asked right before the final dot. */
  mayFinish: () => boolean;
  /** It was tried before: it goes the older way, whatever it met on the newer one. */
  isRetry: boolean;
};

export type TransferResult =
  | { aborted: true; transcript: string }
  | {
      aborted: false;
      /** To each recipient, in their order. */
      replies: Reply[];
      transcript: string;
      /** The host tells what becomes of the message, as it was asked (DSN). */
      tells: boolean;
      /** May the connection be used for another message? */
      usable: boolean;
      /**
       * The host cannot have it: it ended the connection after an earlier message and before this one had left, or did not
       * know how it came. It may go over another connection at once.
       */
      unheard: boolean;
    };

/** A conversation under way: whom it is with, what that offers, and how it is spoken to. */
export type Session = {
  wire: Wire;
  /** Address and port. */
  host: string;
  transcript: Transcript;
  deadlines: Deadlines;
  offers: Offers;
  /** Messages that it has carried before. */
  carried: number;
  control: TransferControl;
};

export type TransferControl = { dotGone: boolean; stopped: boolean };

const RESET_MS = 5_000;
/**
 * Messages up to so many octets go whole behind MAIL and RCPT, before those are answered, to a host that offers PIPELINING
 * and CHUNKING. What is longer waits for the answers: it may be refused.
 */
const AT_ONCE = 32_768;
/**
 * Hosts that offered CHUNKING and did not know BDAT, or said nothing to it, and until when they get DATA: something between
 * us and them may spoil it.
 */
const withoutChunks = new Map<string, number>();
const WITHOUT_MS = 3_600_000;
const MOST_WITHOUT = 1_000;
/** Pieces of the content are gathered up to so many octets: each writing is a TLS record of its own at least. */
const GATHERED = 32_768;

type Heard = Pick<Session, "wire" | "transcript">;

export function say(to: Heard, ...commands: string[]): void {
  tell(to, commands);
}

/** In one piece, with `content` behind it. */
function tell({ wire, transcript }: Heard, commands: readonly string[], content?: Buffer): void {
  for (const command of commands) {
    if (/[\r\n]/.test(command)) throw new Error("a command is one line");
    transcript.add("C", command);
  }
  const lines = `${commands.join("\r\n")}\r\n`;
  void wire.write(content ? Buffer.concat([Buffer.from(lines), content]) : lines);
}

export async function hear(
  { wire, transcript }: Heard,
  phase: ReplyPhase,
  ms: number,
): Promise<Reply & { lines: string[]; late: boolean }> {
  const raw = await wire.reply(ms, phase);
  if ("fault" in raw) {
    transcript.add("*", raw.fault);
    const text = raw.fault.slice(0, 300);
    return { code: 0, enhanced: "", text, phase, lines: [], late: raw.late === true };
  }
  for (const line of raw.lines) transcript.add("S", line);
  return { ...parseReply(raw.lines.join("\n")), code: raw.code, phase, lines: raw.lines, late: false };
}

/** One message over an open conversation. Never rejects but for a fault of `content`, after which nothing was delivered. */
export async function transfer(session: Session, message: Transfer): Promise<TransferResult> {
  const { wire, transcript, offers, control } = session;
  const tells = offers.has("DSN");
  const done = (replies: readonly Reply[], usable: boolean, unheard = false): TransferResult => ({
    aborted: false,
    replies: replies.map(({ code, enhanced, text, phase, own }) => ({
      code,
      enhanced,
      text,
      phase,
      ...(own && { own }),
    })),
    transcript: transcript.take(),
    tells,
    usable,
    unheard,
  });
  const lacking = lackingFor(message, offers);
  if (lacking) {
    transcript.add("*", lacking.text);
    return done(
      message.recipients.map(() => lacking),
      wire.isQuiet(),
    );
  }
  control.dotGone = false;
  control.stopped = false;
  const { replies, usable, unheard } = await transact(session, message);
  if (control.stopped) {
    wire.break("stopped");
    transcript.add("*", "stopped before the final dot: the member may not send now");
    return { aborted: true, transcript: transcript.take() };
  }
  if (!usable) wire.break("the conversation is over");
  return done(replies, usable && wire.isQuiet(), unheard);
}

type Outcome = { replies: Reply[]; usable: boolean; unheard: boolean };

async function transact(session: Session, message: Transfer): Promise<Outcome> {
  const { offers, wire } = session;
  const known = offers.has("PIPELINING") && offers.has("CHUNKING") && !isWithoutChunks(session);
  if (!known || message.isRetry || message.size > AT_ONCE) return inTwo(session, message);
  const content = await contentOf(session, message);
  // Where it has said something, or has gone, nothing of the content leaves.
  return wire.isQuiet() && isHarmless(content)
    ? inOneFlight(session, message, content)
    : inTwo(session, { ...message, content: onePiece(content) });
}

/**
 * All in one round trip (RFC 3030 section 4.2): the answers come in their order, one of them to the content, which the host
 * takes in and throws away when there is nobody to have it. It may say all of them at the end, so they have the deadline of
 * the last. A refusal is followed by RSET, whose answer shows that the two sides are in step.
 */
async function inOneFlight(session: Session, message: Transfer, content: Buffer): Promise<Outcome> {
  const { deadlines, offers, control, wire } = session;
  const { recipients } = message;
  if (control.stopped || !message.mayFinish()) {
    control.stopped = true;
    return ended([]);
  }
  const commands = [
    mailCommand(message, offers),
    ...recipients.map((recipient) => rcptCommand(recipient, offers)),
    `BDAT ${content.length} LAST`,
  ];
  control.dotGone = true;
  tell(session, commands, content);
  const until = performance.now() + deadlines.dataEnd;
  const answer = async (phase: ReplyPhase, to: string) => {
    const reply = inStep(await hear(session, phase, Math.max(1, until - performance.now())), 2, to);
    if (reply.code !== 0) return reply;
    session.transcript.add("*", "all of it had left: whether the host took it is not known");
    doWithoutChunks(session);
    return reply;
  };

  const mail = await answer("mail", "MAIL");
  const all = (reply: Reply): Reply[] => recipients.map(() => reply);
  if (isOver(mail)) return ended(all(mail), session.carried > 0 && mail.code === 421);
  const replies: Reply[] = [];
  for (let i = 0; i < recipients.length; i++) {
    const reply = await answer("rcpt", "RCPT");
    replies.push(isYes(mail) ? reply : mail);
    if (isOver(reply)) return ended(recipients.map((_, n) => (refused(replies[n]) ? replies[n]! : reply)));
  }
  const taken = replies.some(isYes);
  const body = await answer("body", "BDAT");
  if (taken && isUnknown(body)) {
    // It may be reading the content as commands: nothing more is said.
    wire.break("the host does not know BDAT");
    doWithoutChunks(session);
    return ended(all(body), true);
  }
  return {
    replies: replies.map((one) => (isYes(one) ? body : one)),
    usable: !isOver(body) && ((taken && isYes(body)) || (await reset(session))),
    unheard: false,
  };
}

function doWithoutChunks({ host }: Session): void {
  withoutChunks.delete(host);
  withoutChunks.set(host, performance.now() + WITHOUT_MS);
  if (withoutChunks.size > MOST_WITHOUT) withoutChunks.delete(withoutChunks.keys().next().value!);
}

function isWithoutChunks({ host }: Session): boolean {
  return (withoutChunks.get(host) ?? 0) > performance.now();
}

async function contentOf({ wire }: Session, { content }: Transfer): Promise<Buffer> {
  try {
    return await gathered(content);
  } catch (error) {
    wire.break("the content could not be read");
    throw error;
  }
}

async function* onePiece(content: Buffer): AsyncGenerator<Uint8Array> {
  yield content;
}

async function inTwo(session: Session, message: Transfer): Promise<Outcome> {
  const { deadlines, offers, wire } = session;
  const { recipients } = message;
  const pipelined = offers.has("PIPELINING");
  const mailFrom = mailCommand(message, offers);
  const rcptTo = (recipient: EnvelopeRecipient) => rcptCommand(recipient, offers);
  /** Pipelined, all has been said at once (RFC 2920): what is left is to hear the answers in their order. */
  const ask = async (command: string, phase: ReplyPhase, ms: number, wanted: Wanted) => {
    if (!pipelined) say(session, command);
    return inStep(await hear(session, phase, ms), wanted, command);
  };
  const all = (reply: Reply): Reply[] => recipients.map(() => reply);

  if (pipelined) say(session, mailFrom, ...recipients.map(rcptTo), "DATA");
  const mail = await ask(mailFrom, "mail", deadlines.mail, 2);
  if (isOver(mail)) return ended(all(mail), session.carried > 0 && !mail.late);
  if (!pipelined && !isYes(mail)) return { replies: all(mail), usable: true, unheard: false };

  const replies: Reply[] = [];
  for (const recipient of recipients) {
    const reply = await ask(rcptTo(recipient), "rcpt", deadlines.rcpt, 2);
    replies.push(isYes(mail) ? reply : mail);
    if (isOver(reply)) return ended(recipients.map((_, i) => (refused(replies[i]) ? replies[i]! : reply)));
  }
  const taken = replies.some(isYes);
  if (!pipelined && !taken) return { replies, usable: await reset(session), unheard: false };

  const data = await ask("DATA", "data", deadlines.dataStart, 3);
  /** What holds for those whose RCPT was taken. */
  const forTaken = (reply: Reply) => replies.map((one) => (isYes(one) ? reply : one));
  if (isOver(data)) return ended(forTaken(data));
  if (!isGo(data)) {
    const usable = isYes(mail) ? await reset(session) : true;
    return { replies: forTaken(data), usable, unheard: false };
  }
  if (!taken) {
    // It takes a message for nobody: an empty one, which it refuses (RFC 2920 section 3.1).
    await wire.write(".\r\n");
    const nothing = await hear(session, "body", RESET_MS);
    return { replies, usable: !isOver(nothing), unheard: false };
  }
  const final = await sendContent(session, message);
  const reply = final.whole
    ? inStep(final.reply, 2, "the final dot")
    : inStep(final.reply, 0, "a message that was not whole");
  return { replies: forTaken(reply), usable: final.whole && !isOver(reply), unheard: false };
}

function ended(replies: Reply[], unheard = false): Outcome {
  return { replies, usable: false, unheard };
}

/** The message and its final dot, and the reply. `whole`: all was sent, so the conversation may go on. */
async function sendContent(session: Session, message: Transfer): Promise<{ reply: Reply; whole: boolean }> {
  const { wire, deadlines, control } = session;
  const timer = setTimeout(
    () => wire.break(`the message was not taken within ${Math.round(deadlines.body / 1000)} s (body)`),
    deadlines.body,
  );
  let gathered: Buffer[] = [];
  let octets = 0;
  const flush = async () => {
    const data = gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered);
    gathered = [];
    octets = 0;
    const room = wire.write(data);
    return room === true || (await room);
  };
  let whole = true;
  try {
    for await (const piece of stuffed(message.content)) {
      // It answers before the end, or has gone: what it says is its answer.
      if (!wire.isQuiet()) {
        whole = false;
        break;
      }
      gathered.push(piece);
      octets += piece.length;
      if (octets >= GATHERED && !(await flush())) whole = false;
      if (!whole) break;
    }
    whole &&= wire.isQuiet();
    if (whole && (control.stopped || !message.mayFinish())) control.stopped = true;
    else if (whole) {
      gathered.push(Buffer.from(".\r\n"));
      control.dotGone = true;
      whole = await flush();
    }
  } catch (error) {
    wire.break("the content could not be read");
    throw error;
  } finally {
    clearTimeout(timer);
  }
  if (control.stopped) wire.break("stopped");
  return { reply: await hear(session, "body", deadlines.dataEnd), whole };
}

/** Hundreds of the code that means yes; 0: nothing does. */
type Wanted = 2 | 3 | 0;

/** A yes in the wrong place is none: the two sides are out of step, and nothing more is said. */
function inStep<R extends Reply>(reply: R, wanted: Wanted, to: string): R {
  const hundreds = Math.floor(reply.code / 100);
  if (hundreds === wanted || (hundreds !== 2 && hundreds !== 3)) return reply;
  const text = `the host answered ${reply.code} to ${to.slice(0, 4) === "MAIL" || to.slice(0, 4) === "RCPT" ? to.slice(0, 4) : to}`;
  return { ...reply, code: 0, enhanced: "", text };
}

/** By its first digit, as all of 3yz mean the same (RFC 5321 section 4.2.1). */
const isGo = (reply: Reply) => reply.code >= 300 && reply.code < 400;
const isYes = (reply: Reply) => reply.code >= 200 && reply.code < 300;
/** Nothing more can be said: it has gone, or is about to (421). */
const isOver = (reply: Reply) => reply.code === 0 || reply.code === 421;
/** The command is not known, or not here (RFC 5321 section 4.2.4). */
const isUnknown = ({ code }: Reply) => code >= 500 && code <= 504;
const refused = (reply: Reply | undefined) => reply !== undefined && !isYes(reply);

/** After a refusal the session is set back, within a moment or not at all. */
async function reset(session: Session): Promise<boolean> {
  if (!session.wire.isQuiet()) return false;
  say(session, "RSET");
  return isYes(await hear(session, "mail", RESET_MS));
}

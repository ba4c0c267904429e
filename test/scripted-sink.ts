import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { TLSSocket, type TLSSocketOptions } from "node:tls";

/** What a mail host does at one point. A text is a whole reply, its lines apart by `\n`. */
export type Step =
  | string
  /** Says nothing, and goes: with FIN, or with RST. */
  | { goes: "away" | "reset" }
  /** Says it, and goes. */
  | { says: string; goes: "away" }
  /** Reads on, and never answers. */
  | "silence"
  /** Says it after a time, or one octet at a time. */
  | { says: string; afterMs: number }
  | { says: string; perOctetMs: number };

/** A mail host as data: what is not told here goes well. */
export type Script = {
  banner?: Step;
  ehlo?: Step;
  starttls?: Step;
  /** What follows a 220 to STARTTLS: TLS with this certificate (`old`: 1.1 at most), octets that are none, or its end. */
  tls?: Certified | "old" | "garbage" | "gone" | "none";
  /** EHLO under TLS. */
  secured?: Step;
  /** Keywords that EHLO offers, in clear and under TLS. */
  offers?: readonly string[];
  mail?: Step;
  /** To every recipient, or by address. */
  rcpt?: Step | Readonly<Record<string, Step>>;
  /** Says 354 before it answers RCPT. */
  dataFirst?: boolean;
  data?: Step;
  /** After so many octets of the message. `deaf`: it stops reading. */
  body?: { after: number; does: Step | "deaf" };
  /** To the final dot, and to the last BDAT. */
  dot?: Step;
  /** On each connection: so many messages, and this to the MAIL of the next one. */
  messages?: { most: number; after: Step };
};

export type Certified = "trusted" | "stranger" | "other-name" | "expired";
export type Certificates = Record<Certified, { key: string; cert: string }>;

export type ScriptedMail = {
  connection: number;
  /** The other side's address, and the name that it said in EHLO. */
  remote: string;
  helo: string;
  from: string;
  to: string[];
  raw: string;
  pipelined: boolean;
};

export type ScriptedSink = {
  port: number;
  /** Connections that were made, and what they took. */
  connections(): number;
  /** Those that are open. */
  open(): number;
  mails: ScriptedMail[];
  /** Every command, in order. */
  heard: string[];
  close(): Promise<void>;
};

export const OFFERS = ["PIPELINING", "SIZE 35882577", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];

/**
 * A mail host on loopback that plays a script: raw TCP, so that it can be as wrong as hosts are. A function is asked at
 * each connection, by the address of the other side.
 */
export async function startScriptedSink(
  script: Script | ((remote: string) => Script),
  certificates: Certificates,
  { host = "127.0.0.1", port = 0 } = {},
): Promise<ScriptedSink> {
  const mails: ScriptedMail[] = [];
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  let made = 0;
  const server = createServer((socket) => {
    const connection = ++made;
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    const remote = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    const keep = (mail: Taken) => void mails.push({ connection, remote, ...mail });
    void play(socket, typeof script === "function" ? script(remote) : script, { certificates, heard, keep });
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => made,
    open: () => sockets.size,
    mails,
    heard,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Taken = Omit<ScriptedMail, "connection" | "remote">;
type Around = { certificates: Certificates; heard: string[]; keep: (mail: Taken) => void };

/** False: the conversation is over, or this side says no more. */
async function does(socket: Socket, step: Step): Promise<boolean> {
  if (step === "silence") return false;
  if (typeof step === "string") return say(socket, step);
  if ("perOctetMs" in step) {
    for (const octet of `${wire(step.says)}`) {
      if (socket.destroyed) return false;
      socket.write(octet);
      await pause(step.perOctetMs, undefined, { ref: false });
    }
    return true;
  }
  if ("afterMs" in step) {
    await pause(step.afterMs, undefined, { ref: false });
    return say(socket, step.says);
  }
  if ("says" in step) socket.end(wire(step.says));
  else if (step.goes === "reset" && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else socket.destroy();
  return false;
}

const wire = (reply: string) => `${reply.replaceAll("\n", "\r\n")}\r\n`;
function say(socket: Socket, reply: string): boolean {
  if (!socket.destroyed) socket.write(wire(reply));
  return !socket.destroyed;
}

const hello = (keywords: readonly string[]) =>
  ["mx.peer.test", ...keywords]
    .map((word, i, all) => `250${i < all.length - 1 ? "-" : " "}${word}`)
    .join("\n");

async function play(plain: Socket, script: Script, { certificates, heard, keep }: Around): Promise<void> {
  let socket = plain;
  let lines = readLines(plain);
  let secure = false;
  let taken = 0;
  let envelope = { from: "", to: [] as string[] };
  let begun = false;
  let helo = "";
  const offers = script.offers ?? OFFERS;
  if (!(await does(socket, script.banner ?? "220 mx.peer.test ESMTP"))) return;
  for (;;) {
    const line = await lines.next();
    if (line === undefined) return;
    heard.push(line);
    const [verb = ""] = line.toUpperCase().split(/[ :]/);
    let step: Step = "250 2.0.0 OK";
    if (verb === "EHLO") {
      helo = line.slice(5);
      const clear = script.tls === "none" ? offers : [...offers, "STARTTLS"];
      step = (secure ? script.secured : script.ehlo) ?? hello(secure ? offers : clear);
    } else if (verb === "STARTTLS") {
      const ready = script.starttls ?? "220 2.0.0 Ready";
      lines.stop();
      if (!(await does(socket, ready))) return;
      if (typeof ready !== "string" || !ready.startsWith("220") || ready.includes("\n")) {
        lines = readLines(plain);
        continue;
      }
      const upgraded = startTls(plain, script.tls ?? "trusted", certificates);
      if (!upgraded) return;
      socket = upgraded;
      secure = true;
      lines = readLines(socket);
      continue;
    } else if (verb === "MAIL") {
      envelope = { from: /<(.*?)>/.exec(line)?.[1] ?? "", to: [] };
      step = script.messages && taken >= script.messages.most ? script.messages.after : (script.mail ?? step);
      begun = isYes(step);
    } else if (verb === "RCPT") {
      const to = /<(.*?)>/.exec(line)?.[1] ?? "";
      const own = script.rcpt === undefined || isStep(script.rcpt) ? script.rcpt : script.rcpt[to];
      step = begun ? (own ?? step) : "503 5.5.1 MAIL first";
      if (isYes(step)) envelope.to.push(to);
      if (script.dataFirst) step = `354 Go\n${typeof step === "string" ? step : "250 OK"}`;
    } else if (verb === "DATA") {
      const pipelined = lines.together(3);
      step = script.data ?? (envelope.to.length > 0 ? "354 Go" : "503 5.5.1 No recipients");
      if (!script.dataFirst && !(await does(socket, step))) return;
      if (typeof step === "string" && !step.startsWith("354")) continue;
      const raw = await lines.content(script.body?.after);
      if (raw === undefined) return;
      if ("cut" in raw) {
        if (script.body!.does === "deaf") return void socket.pause();
        if (!(await does(socket, script.body!.does))) return;
        continue;
      }
      const answer = script.dot ?? "250 2.0.0 Kept";
      if (isYes(answer)) keep({ ...envelope, helo, raw: raw.text, pipelined });
      taken++;
      step = answer;
    } else if (verb === "BDAT") {
      const raw = await lines.octets(Number(/^BDAT (\d+) LAST$/i.exec(line)?.[1]));
      if (raw === undefined) return;
      step = envelope.to.length > 0 ? (script.dot ?? "250 2.0.0 Kept") : "503 5.5.1 No recipients";
      if (isYes(step)) keep({ ...envelope, helo, raw, pipelined: true });
      taken++;
    } else if (verb === "QUIT") {
      step = { says: "221 2.0.0 Bye", goes: "away" };
    }
    if (!(await does(socket, step))) return;
  }
}

const isYes = (step: Step) =>
  (typeof step === "string" ? step : "says" in step ? step.says : "").startsWith("2");
const isStep = (value: Step | Readonly<Record<string, Step>>): value is Step =>
  typeof value === "string" || "goes" in value || "says" in value;

function startTls(
  plain: Socket,
  how: NonNullable<Script["tls"]>,
  certificates: Certificates,
): TLSSocket | undefined {
  if (how === "gone" || how === "none") {
    plain.destroy();
    return undefined;
  }
  if (how === "garbage") {
    plain.write("This is no TLS at all, whatever it is.\r\n".repeat(4));
    return undefined;
  }
  const old = { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  const options: TLSSocketOptions & { ciphers?: string } =
    how === "old" ? { ...certificates.trusted, ...old } : certificates[how];
  const secure = new TLSSocket(plain, { isServer: true, ...options });
  secure.on("error", () => plain.destroy());
  return secure;
}

/** Lines, and the content of a message up to its final dot, as they come in. */
function readLines(socket: Socket) {
  let text = "";
  let ended = false;
  let wake = () => {};
  /** Lines that came in one piece with the last one. */
  let inPiece = 0;
  const onData = (chunk: Buffer) => {
    inPiece = chunk.toString("latin1").split("\r\n").length - 1;
    text += chunk.toString("latin1");
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  socket.on("data", onData).on("close", onEnd).on("end", onEnd).resume();
  const more = () => new Promise<void>((resolve) => (wake = resolve));
  return {
    async next(): Promise<string | undefined> {
      for (;;) {
        const end = text.indexOf("\r\n");
        if (end >= 0) {
          const line = text.slice(0, end);
          text = text.slice(end + 2);
          return line;
        }
        if (ended) return undefined;
        await more();
      }
    },
    /** Did the last lines come together? */
    together: (count: number) => inPiece >= count,
    async content(most = Infinity): Promise<{ text: string } | { cut: true } | undefined> {
      for (;;) {
        const end = text === ".\r\n" || text.startsWith(".\r\n") ? 0 : text.indexOf("\r\n.\r\n");
        const length = end < 0 ? text.length : end;
        if (length >= most) {
          text = "";
          return { cut: true };
        }
        if (end >= 0) {
          const raw = text.slice(0, end === 0 ? 0 : end + 2);
          text = text.slice(end === 0 ? 3 : end + 5);
          return { text: raw.replaceAll(/^\.\./gm, ".") };
        }
        if (ended) return undefined;
        await more();
      }
    },
    async octets(count: number): Promise<string | undefined> {
      while (text.length < count) {
        if (ended) return undefined;
        await more();
      }
      const octets = text.slice(0, count);
      text = text.slice(count);
      return octets;
    },
    stop() {
      socket.off("data", onData).off("close", onEnd).off("end", onEnd);
    },
  };
}

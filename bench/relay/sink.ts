/**
 * The receiving server of both sides, in a process of its own: takes everything under STARTTLS and throws it away.
 * By hand because it must cost little on a machine that it shares with what is measured. Tells by IPC what it took.
 * While it holds back it answers no MAIL, or greets nobody: connections stay open, and what is queued waits.
 */
import { createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createSecureContext, TLSSocket } from "node:tls";
import { distant } from "./distant.ts";

export type SinkOptions = {
  hosts: string[];
  port: number;
  key: string;
  cert: string;
  /** Round trip to it, set-up of the connection included; default: that of loopback. */
  latencyMs?: number;
  /** Offers CHUNKING (RFC 3030), as Postfix, Exim and the large providers do; default: no. */
  chunking?: boolean;
};
/** `greeting`: connections that come meanwhile are not greeted either. */
export type SinkCommand = { holdBack: false | "mail" | "greeting" };

/** Since the start. `at`: of the last message, ms since the epoch; `connections`: that were greeted. */
export type Taken = { messages: number; signatures: number; connections: number; at: number };

const taken: Taken = { messages: 0, signatures: 0, connections: 0, at: 0 };
const TELL_MS = 20;
const END = "\r\n.\r\n";

let holdsBack: SinkCommand["holdBack"] = false;
/** Of the connections whose MAIL is not answered, or that are not greeted. */
const goOn: (() => void)[] = [];

type Speech = { secure: boolean; chunking: boolean; upgrade: () => void };

function speak(socket: Duplex, { secure, chunking, upgrade }: Speech): void {
  const offers = ["mx", "PIPELINING", ...(chunking ? ["CHUNKING"] : []), ...(secure ? [] : ["STARTTLS"])];
  let buffer = "";
  let inData = false;
  /** Octets of a chunk that are still to come. */
  let chunk = 0;
  let waits = false;
  socket.on("error", () => socket.destroy());
  const commands = () => {
    for (let end = buffer.indexOf("\r\n"); end >= 0 && !inData; end = buffer.indexOf("\r\n")) {
      const verb = buffer.slice(0, 4).toUpperCase();
      if (verb === "MAIL" && holdsBack) {
        if (!waits) goOn.push(() => ((waits = false), turn()));
        waits = true;
        return;
      }
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (verb === "BDAT" && chunking) {
        chunk = Number(line.split(" ")[1]);
        inData = true;
      } else if (verb === "DATA") {
        inData = true;
        // The end mark of an empty message begins with the line end of the command.
        buffer = `\r\n${buffer}`;
        socket.write("354 go on\r\n");
      } else if (verb === "EHLO") {
        socket.write(`${offers.map((offer) => `250-${offer}\r\n`).join("")}250 8BITMIME\r\n`);
      } else if (verb === "STAR" && !secure) {
        socket.removeAllListeners("data");
        socket.write("220 go on\r\n", upgrade);
        return;
      } else if (verb === "QUIT") socket.end("221 bye\r\n");
      else socket.write("250 OK\r\n");
    }
  };
  const message = () => {
    const end = chunk > 0 ? chunk : buffer.indexOf(END) + END.length;
    if (end < END.length || buffer.length < end) return;
    const head = `\r\n${buffer.slice(0, buffer.indexOf("\r\n\r\n", 2))}`;
    taken.signatures += head.split("\r\nDKIM-Signature:").length - 1;
    taken.messages++;
    taken.at = Date.now();
    buffer = buffer.slice(end);
    inData = false;
    chunk = 0;
    socket.write("250 2.0.0 taken\r\n");
  };
  const turn = () => {
    for (let before = -1; buffer.length !== before;) {
      before = buffer.length;
      if (inData) message();
      else commands();
    }
  };
  socket.on("data", (chunk: Buffer) => {
    buffer += chunk.toString("latin1");
    turn();
  });
}

process.once("message", ({ hosts, port, key, cert, latencyMs, chunking = false }: SinkOptions) => {
  process.on("message", ({ holdBack }: SinkCommand) => {
    holdsBack = holdBack;
    if (!holdBack) for (const go of goOn.splice(0)) go();
  });
  const secureContext = createSecureContext({ key, cert, minVersion: "TLSv1.3" });
  const serve = (accepted: Socket) => {
    accepted.setNoDelay(true);
    const socket = latencyMs === undefined ? accepted : distant(accepted, latencyMs);
    const greet = () => {
      taken.connections++;
      socket.write("220 mx ESMTP\r\n");
    };
    // The system has accepted at once: one round trip for that, and one until the greeting is there.
    const begin = () => (latencyMs === undefined ? greet() : setTimeout(greet, 2 * latencyMs));
    if (holdsBack === "greeting") goOn.push(() => accepted.destroyed || begin());
    else begin();
    const upgrade = () => {
      socket.removeAllListeners("error");
      const above = new TLSSocket(socket, { isServer: true, secureContext });
      speak(above, { secure: true, chunking, upgrade: () => undefined });
    };
    speak(socket, { secure: false, chunking, upgrade });
  };
  let waiting = hosts.length;
  for (const host of hosts) {
    createServer(serve).listen({ port, host, backlog: 1_024 }, () => {
      if (--waiting === 0) process.send?.(taken);
    });
  }
  let told = 0;
  setInterval(() => {
    if (taken.messages === told) return;
    told = taken.messages;
    process.send?.(taken);
  }, TELL_MS);
});
process.once("disconnect", () => process.exit());

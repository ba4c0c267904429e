import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { afterEach } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import type { Incoming, Received } from "../src/feedback/index.ts";
import { silentLog } from "../src/platform/log.ts";
import type { Resolver } from "../src/protocol/dns/index.ts";
import { startInbound, type Inbound, type InboundOptions } from "../src/relay/inbound/index.ts";

const tls = createAuthority().issue(["127.0.0.1"]);
const nothing: Resolver = { resolve: async () => ({ status: "nxdomain", authentic: false }) };
const sockets: Socket[] = [];
export let inbound: Inbound;
export let received: Incoming[] = [];

export const hangUp = () => sockets.splice(0).forEach((socket) => socket.destroy());

/** Ends what a test of the file has started. */
export function useInbound(): void {
  afterEach(async () => {
    received = [];
    hangUp();
    await inbound.close();
  });
}

export const taken: Received = { outcome: "ignored", why: "delayed" };
/** `outcomes`: what becomes of mail to each address; to others none may come. */
export const start = async (outcomes: Record<string, Received>, options: Partial<InboundOptions> = {}) =>
  void (inbound = await startInbound({
    address: { host: "127.0.0.1", port: 0 },
    hostname: "in.test",
    tls,
    feedback: {
      async admit(address) {
        if (address === "broken@in.test") throw new Error("the spool is gone");
        return address in outcomes
          ? {
              ok: true,
              maxBytes: address.startsWith("dmarc@") ? 10 * 1024 * 1024 : 1024 * 1024,
              people: address.startsWith("abuse@"),
            }
          : { ok: false, code: 550, enhanced: "5.1.1", text: "Nobody" };
      },
      async receive(mail) {
        received.push(mail);
        return outcomes[mail.to]!;
      },
    },
    resolver: nothing,
    log: silentLog,
    ...options,
  }));

export function open(): Socket {
  const socket = createConnection(inbound.address.port, "127.0.0.1").setEncoding("latin1");
  sockets.push(socket);
  return socket.on("error", () => undefined);
}

/** Sends the lines, and resolves with what was said once it matches `until` or the connection ends. */
export async function say(lines: string[], until: RegExp): Promise<string> {
  const socket = open();
  let said = "";
  const done = Promise.withResolvers<void>();
  socket.on("data", (text: string) => {
    said += text;
    if (until.test(said)) done.resolve();
  });
  socket.on("close", () => done.resolve());
  await once(socket, "data");
  socket.write(Buffer.from(lines.join("\r\n") + "\r\n", "latin1"));
  await done.promise;
  return said;
}

export const to = (...addresses: string[]) => [
  "EHLO mx.test",
  "MAIL FROM:<>",
  ...addresses.map((address) => `RCPT TO:<${address}>`),
  "DATA",
];
export const ANSWERED = /\r\n354[^]*\r\n[245]/;
export const answer = (said: string) => said.slice(said.indexOf("354 ")).split("\r\n")[1];
export const refused = (code: number): Received => ({
  outcome: "refused",
  why: "x",
  code,
  enhanced: `${String(code)[0]}.7.1`,
  text: "Not here",
});

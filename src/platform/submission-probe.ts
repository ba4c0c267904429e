import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, getCACertificates, type TLSSocket } from "node:tls";
import type { PortFacts, TlsFacts } from "../protocol/submission-check/index.ts";

export type SubmissionProbeOptions = {
  host: string;
  ports: readonly Pick<PortFacts, "port" | "mode">[];
  /** Which addresses may be contacted; default: all. A page for the public lets only those of the internet. */
  allow?: (address: string) => boolean;
  /** For each wait: the connection, the handshake, a reply. Default 8 seconds. */
  timeoutMs?: number;
  /** PEM, trusted beside the usual authorities. */
  ca?: string | undefined;
};

const MAX_ADDRESSES = 2;
const MAX_BYTES = 8_192;
const HELO = "connection-test.invalid";

/**
 * What a PDS would meet at a submission server: each port is tried as far as its log-in, and nothing is sent. All ports
 * at once; each ends within about five times `timeoutMs`. Never rejects.
 */
export async function probeSubmission(
  options: SubmissionProbeOptions,
): Promise<{ facts: PortFacts[] } | { fault: "unknown-host" | "forbidden" }> {
  const { host, ports, allow = () => true } = options;
  let found: string[];
  try {
    found = (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return { fault: "unknown-host" };
  }
  const addresses = [...new Set(found)].filter(allow);
  if (addresses.length === 0) return { fault: "forbidden" };
  // One of each family first: a host may be reachable by one of them only.
  const one = (six: boolean) => addresses.find((address) => address.includes(":") === six);
  const tried = [...new Set([one(false), one(true), ...addresses])].filter((a) => a !== undefined);
  const facts = ports.map((at) => probePort(options, at, tried.slice(0, MAX_ADDRESSES)));
  return { facts: await Promise.all(facts) };
}

async function probePort(
  options: SubmissionProbeOptions,
  at: Pick<PortFacts, "port" | "mode">,
  addresses: readonly string[],
): Promise<PortFacts> {
  let last: PortFacts = { ...at, tcp: "unreachable" };
  for (const address of addresses) {
    const line = openLine(options, address);
    const facts = { ...at, address };
    const found = at.mode === "implicit" ? await implicit(line, facts) : await starttls(line, facts);
    if (found.tcp === "open") return found;
    // That something refuses says more than that nothing answers.
    if (last.tcp !== "refused") last = found;
  }
  return last;
}

type At = Pick<PortFacts, "port" | "mode"> & { address: string };
type Line = ReturnType<typeof openLine>;

async function implicit(line: Line, at: At): Promise<PortFacts> {
  const open = await line.connect(at.port);
  if ("tcp" in open) return { ...at, ...open };
  const secure = await line.secure(open.socket);
  if (!("fault" in secure)) return { ...at, tcp: "open", ...(await underTls(secure, true)) };
  const again = await line.connect(at.port);
  if ("tcp" in again) return { ...at, tcp: "open", tls: secure };
  const talk = conversation(again.socket, line.timeoutMs);
  const clear = (await talk.reply())?.[0];
  talk.close();
  return {
    ...at,
    tcp: "open",
    ...(clear === undefined
      ? secure.silent
        ? {}
        : { tls: secure }
      : { clear, ...(clear.startsWith("220") && { otherMode: true }) }),
  };
}

async function starttls(line: Line, at: At): Promise<PortFacts> {
  const open = await line.connect(at.port);
  if ("tcp" in open) return { ...at, ...open };
  const talk = conversation(open.socket, line.timeoutMs);
  const facts: PortFacts = { ...at, tcp: "open" };
  try {
    const clear = (await talk.reply())?.[0];
    if (clear === undefined) return { ...facts, ...((await speaksTls(line, at)) && { otherMode: true }) };
    facts.clear = clear;
    if (!clear.startsWith("220")) return facts;
    const hello = (await talk.say(`EHLO ${HELO}`)) ?? [];
    const words = hello.map((text) => text.slice(4).toUpperCase());
    if (!words.some((word) => word.startsWith("STARTTLS")))
      return { ...facts, starttls: words.some((word) => /^X{6,}/.test(word)) ? "masked" : "missing" };
    if (!(await talk.say("STARTTLS"))?.[0]?.startsWith("220")) return { ...facts, starttls: "refused" };
    const secure = await line.secure(talk.release());
    if ("fault" in secure) return { ...facts, starttls: "offered", tls: secure };
    return { ...facts, starttls: "offered", ...(await underTls(secure, false)) };
  } finally {
    talk.close();
  }
}

async function speaksTls(line: Line, at: At): Promise<boolean> {
  const again = await line.connect(at.port);
  if ("tcp" in again) return false;
  const secure = await line.secure(again.socket);
  if ("fault" in secure) return false;
  secure.socket.destroy();
  return true;
}

/** The conversation once there is TLS: with implicit TLS the greeting is still to come. */
async function underTls(
  { socket, facts, timeoutMs }: Secured,
  greets: boolean,
): Promise<Pick<PortFacts, "tls" | "greeting" | "auth">> {
  const talk = conversation(socket, timeoutMs);
  try {
    const greeting = greets ? (await talk.reply())?.[0] : undefined;
    if (greets && !greeting?.startsWith("220"))
      return { tls: facts, ...(greeting !== undefined && { greeting }) };
    const hello = await talk.say(`EHLO ${HELO}`);
    const first = greeting ?? hello?.[0];
    void talk.say("QUIT");
    return {
      tls: facts,
      ...(first !== undefined && { greeting: first }),
      auth: hello?.some((text) => /^\d{3}[ -]AUTH\b/i.test(text)) ?? false,
    };
  } finally {
    talk.close();
  }
}

type Secured = { socket: TLSSocket; facts: TlsFacts; timeoutMs: number };

function openLine({ host, ca, timeoutMs = 8_000 }: SubmissionProbeOptions, address: string) {
  const trusted = ca === undefined ? undefined : [...getCACertificates("default"), ca];
  return {
    timeoutMs,
    async connect(
      port: number,
    ): Promise<{ socket: Socket } | { tcp: "refused" | "timeout" | "unreachable" }> {
      const socket = connectTcp({ host: address, port });
      const fault = await happens(socket, "connect", timeoutMs);
      if (fault === undefined) return { socket };
      return {
        tcp:
          fault === "timeout" || fault === "ETIMEDOUT"
            ? "timeout"
            : fault === "ECONNREFUSED"
              ? "refused"
              : "unreachable",
      };
    },
    async secure(below: Socket): Promise<Secured | { fault: string; silent: boolean }> {
      const socket = connectTls({
        socket: below,
        ...(isIP(host) === 0 && { servername: host }),
        rejectUnauthorized: false,
        ...(trusted && { ca: trusted }),
      });
      const fault = await happens(socket, "secureConnect", timeoutMs);
      if (fault === undefined) return { socket, facts: factsOf(socket, host), timeoutMs };
      below.destroy();
      return {
        fault: fault === "timeout" ? "no answer to our first octets" : fault,
        silent: fault === "timeout",
      };
    },
  };
}

/** Waits for the event; why it did not come otherwise. */
function happens(socket: Socket, event: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end("timeout"), timeoutMs);
    function end(fault?: string): void {
      clearTimeout(timer);
      if (fault !== undefined) socket.destroy();
      resolve(fault);
    }
    socket.once(event, () => end());
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.once("close", () => end("the connection was closed"));
  });
}

function factsOf(socket: TLSSocket, host: string): TlsFacts {
  const leaf = socket.getPeerX509Certificate();
  const reason = socket.authorizationError as unknown as NodeJS.ErrnoException | string | null;
  const code = String(typeof reason === "object" ? reason?.code : reason);
  const aside = socket.authorized || code === "ERR_TLS_CERT_ALTNAME_INVALID";
  return {
    protocol: socket.getProtocol() ?? "TLS",
    named: leaf !== undefined && (isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host)) !== undefined,
    names: leaf?.subjectAltName ?? leaf?.subject ?? "nobody",
    issuer: leaf?.issuer.replaceAll("\n", ", ") ?? "nobody",
    notBefore: leaf?.validFromDate.getTime() ?? 0,
    notAfter: leaf?.validToDate.getTime() ?? 0,
    ...(!aside && { untrusted: code }),
  };
}

const asleep = () => {};

/** Lines with a deadline and a size. */
function conversation(socket: Socket, timeoutMs: number) {
  let text = "";
  let ended = false;
  let wake = asleep;
  const onData = (chunk: Buffer) => {
    if (text.length < MAX_BYTES) text += chunk.toString("latin1");
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  socket.on("data", onData).on("close", onEnd).on("end", onEnd).on("error", onEnd);

  /** The lines of a reply, or what came instead of one; undefined when nothing came. */
  async function reply(): Promise<string[] | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const whole = /^(?:\d{3}-.*\r?\n)*(?:\d{3}(?: .*)?|(?!\d{3}-).*)\r?\n/.exec(text)?.[0];
      if (whole !== undefined) {
        text = text.slice(whole.length);
        return whole.split(/\r?\n/).slice(0, -1);
      }
      const left = deadline - performance.now();
      if (ended || left <= 0 || text.length >= MAX_BYTES)
        return text === "" ? undefined : [text.split(/\r?\n/, 1)[0]!];
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
  let released = false;
  return {
    reply,
    say(line: string): Promise<string[] | undefined> {
      if (!socket.destroyed) socket.write(`${line}\r\n`);
      return reply();
    },
    /** The socket for a handshake on it. */
    release(): Socket {
      released = true;
      return socket.off("data", onData).off("close", onEnd).off("end", onEnd);
    },
    close() {
      if (!released) socket.destroy();
    },
  };
}

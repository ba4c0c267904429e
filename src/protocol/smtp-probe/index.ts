/** A certificate as the peer showed it, judged by the connection's own TLS library. */
export type TlsSession = {
  /** Such as `TLSv1.3`. */
  protocol: string;
  /** Why the chain does not lead to a known authority, or undefined when it does. */
  untrusted?: string;
  /** Whether the certificate names the host that was asked for. */
  named: boolean;
  /** End of the certificate's life, ms since the epoch. */
  expiresAt: number;
  /** DER, the server's own first. */
  chain: Uint8Array[];
};

/** One connection. Every wait ends by itself: a reading that takes too long is the end. */
export type SmtpSocket = {
  /** The next line without its end; undefined when there is none. */
  readLine(): Promise<string | undefined>;
  write(text: string): void;
  startTls(host: string): Promise<TlsSession | { fault: string }>;
  close(): void;
};

export type SmtpConnect = (address: string, port: number) => Promise<SmtpSocket | { fault: string }>;

export type SmtpProbe =
  | { status: "unreachable"; detail: string }
  /** It answers, and takes no mail from us now: what it said. */
  | { status: "unwilling"; reply: string }
  | { status: "no-starttls"; reply: string }
  | { status: "tls-failed"; detail: string }
  | { status: "secured"; session: TlsSession };

const MAX_REPLY_LINES = 100;

/**
 * Says EHLO and STARTTLS to a mail server and QUIT, as a sender does before its first mail (RFC 5321, RFC 3207).
 * `helo` is our own name. No mail is offered.
 */
export async function probeSmtp(
  target: { host: string; address: string; port: number },
  helo: string,
  connect: SmtpConnect,
): Promise<SmtpProbe> {
  const socket = await connect(target.address, target.port);
  if ("fault" in socket) return { status: "unreachable", detail: socket.fault };
  try {
    return await converse(socket, target.host, helo);
  } finally {
    socket.close();
  }
}

async function converse(socket: SmtpSocket, host: string, helo: string): Promise<SmtpProbe> {
  const greeting = await reply(socket);
  if (!greeting) return { status: "unreachable", detail: "the connection ended before a greeting" };
  if (greeting.code !== 220) return { status: "unwilling", reply: greeting.text };
  socket.write(`EHLO ${helo}\r\n`);
  const hello = await reply(socket);
  if (!hello) return { status: "unreachable", detail: "the connection ended after EHLO" };
  if (hello.code !== 250) return { status: "unwilling", reply: hello.text };
  if (!hello.lines.slice(1).some((line) => line.trim().toUpperCase() === "STARTTLS")) {
    socket.write("QUIT\r\n");
    return { status: "no-starttls", reply: hello.text };
  }
  socket.write("STARTTLS\r\n");
  const ready = await reply(socket);
  if (ready?.code !== 220)
    return { status: "tls-failed", detail: ready ? `STARTTLS: ${ready.text}` : "the connection ended" };
  const session = await socket.startTls(host);
  if ("fault" in session) return { status: "tls-failed", detail: session.fault };
  socket.write("QUIT\r\n");
  return { status: "secured", session };
}

/** One reply of up to a hundred lines (RFC 5321 section 4.2.1); undefined when it never ends. */
async function reply(
  socket: SmtpSocket,
): Promise<{ code: number; lines: string[]; text: string } | undefined> {
  const lines: string[] = [];
  while (lines.length < MAX_REPLY_LINES) {
    const line = await socket.readLine();
    if (line === undefined) return undefined;
    lines.push(line.slice(4));
    if (/^\d{3}(?: |$)/.test(line))
      return { code: Number(line.slice(0, 3)), lines, text: `${line.slice(0, 3)} ${lines.join(" / ")}` };
    if (!/^\d{3}-/.test(line)) return { code: 0, lines: [line], text: line };
  }
  return undefined;
}

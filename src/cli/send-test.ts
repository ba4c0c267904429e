import { readFileSync } from "node:fs";
import { createTransport } from "nodemailer";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

export type SendTestOptions = { url?: string; from?: string; ca?: string; subject?: string; json?: boolean };

const TIMEOUT_MS = 15_000;

/** `atmos send-test TO`: one message through a submission server, with the words of the server and what they mean. */
export async function sendTest(to: string, options: SendTestOptions): Promise<number> {
  const out = outputFor(options);
  const target = readUrl(options.url ?? process.env["PDS_EMAIL_SMTP_URL"]);
  const from = options.from ?? process.env["PDS_EMAIL_FROM_ADDRESS"];
  if (!from)
    throw new CommandError("Name the sender with --from, or set PDS_EMAIL_FROM_ADDRESS.", EXIT.usage);
  out.say(
    `Connecting to ${target.host}:${target.port} (${target.secure ? "implicit TLS" : "STARTTLS"}) as ${target.user}`,
  );
  const transport = createTransport({
    host: target.host,
    port: target.port,
    secure: target.secure,
    requireTLS: true,
    auth: { user: target.user, pass: target.pass },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    ...(options.ca !== undefined && { tls: { ca: readFileSync(options.ca) } }),
  });
  try {
    const sent = await transport.sendMail({
      from,
      to,
      subject: options.subject ?? "A test from Atmosphere Mail",
      text: "This is a test message. If you can read it, mail from this sender arrives.\n",
    });
    out.say(`Accepted: ${plain(sent.response)}`);
    out.say(`Message-ID ${sent.messageId}`);
    out.result({ accepted: true, response: sent.response, messageId: sent.messageId });
    return EXIT.ok;
  } catch (error) {
    const fault = error as SmtpFault;
    const remedy = explain(fault, target);
    out.say(`Not accepted: ${plain(fault.response ?? fault.message)}`);
    out.say(`What to do: ${remedy}`);
    out.result({ accepted: false, response: fault.response ?? fault.message, remedy });
    return EXIT.fault;
  } finally {
    transport.close();
  }
}

export type SmtpFault = { message: string; code?: string; response?: string; responseCode?: number };
export type Target = { host: string; port: number; secure: boolean; user: string; pass: string };

/** Reads a PDS's `PDS_EMAIL_SMTP_URL`. @throws CommandError that says what is wrong with it. */
export function readUrl(text: string | undefined): Target {
  if (!text)
    throw new CommandError(
      "Name the server with --url smtps://USER:SECRET@HOST:PORT, or set PDS_EMAIL_SMTP_URL.",
      EXIT.usage,
    );
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new CommandError(
      "The URL cannot be read. It looks like smtps://USER:SECRET@HOST:PORT, and `:`, `@`, `/`, `%` in user or secret break it.",
      EXIT.usage,
    );
  }
  if (url.protocol !== "smtps:" && url.protocol !== "smtp:") {
    throw new CommandError(
      `The URL begins with ${url.protocol}//; use smtps:// (implicit TLS) or smtp:// (STARTTLS).`,
      EXIT.usage,
    );
  }
  if (!url.username || !url.password)
    throw new CommandError("The URL has no user or no secret: smtps://USER:SECRET@HOST:PORT.", EXIT.usage);
  const secure = url.protocol === "smtps:";
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    user: decodeURIComponent(url.username),
    pass: decodeURIComponent(url.password),
  };
}

/** What a failure usually means. Pure. */
export function explain(fault: SmtpFault, target: Pick<Target, "secure" | "host" | "port">): string {
  const { code = "", responseCode = 0, message } = fault;
  if (/wrong version number|packet length too long|unknown protocol/i.test(message)) {
    return `The server speaks STARTTLS on this port, and the URL asks for implicit TLS. Use smtp:// for port ${target.port}, or smtps:// with port 465 or 2465.`;
  }
  if (/greeting never received/i.test(message) && !target.secure) {
    return `The server expects TLS at once. Use smtps:// for port ${target.port}.`;
  }
  if (/certificate|self.signed|altname/i.test(message)) {
    return "The server's certificate is not trusted or is for another name. Use the host name of the certificate, or give its authority with --ca FILE.";
  }
  if (code === "EDNS" || /ENOTFOUND/.test(message))
    return `The name ${target.host} does not resolve. Look for a typing error.`;
  if (/ECONNREFUSED/.test(message))
    return "Nothing listens there. Look at host and port, and whether the server runs.";
  if (code === "ETIMEDOUT" || /timeout/i.test(message)) {
    return "No answer. Many hosting companies block ports 465 and 587: try 2465 (smtps://) or 2587 (smtp://).";
  }
  if (code === "EAUTH" || responseCode === 535) {
    return "User or secret is wrong, or was revoked. In a URL, `:`, `@`, `/` and `%` must be percent-encoded; ours contain none.";
  }
  if (responseCode >= 500) return "The server refused for good; its words say why.";
  if (responseCode >= 400) return "The server refused for the moment; its words say why and until when.";
  return "The conversation broke. Try again, and look at the server's log.";
}

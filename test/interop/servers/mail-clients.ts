import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport, type SentMessageInfo } from "nodemailer";
import { cacheDirectory, complete } from "./process.ts";

/** A submission, as a person sets a client up for it. */
export interface Attempt {
  host: string;
  port: number;
  /** The name in the certificate, and the authority that issued it. */
  name: string;
  caPath: string;
  mode: "implicit" | "starttls";
  method: "PLAIN" | "LOGIN";
  username: string;
  secret: string;
  from: string;
  to: string[];
  /** With CRLF. */
  message: Buffer;
}

export interface Outcome {
  /** The client says that it was sent, to all or to some. */
  sent: boolean;
  /** All that it shows to whoever runs it. */
  words: string;
}

export type MailClient = (attempt: Attempt) => Promise<Outcome>;

async function program(command: string, args: string[], input: Buffer): Promise<Outcome> {
  const { code, stdout, stderr } = await complete(command, args, { input, anyExit: true });
  return { sent: code === 0, words: `${stdout}${stderr}` };
}

const swaks: MailClient = (a) =>
  program(
    "swaks",
    [
      "--server",
      a.host,
      "--port",
      String(a.port),
      "--helo",
      "client.test",
      a.mode === "implicit" ? "--tls-on-connect" : "--tls",
      "--tls-verify",
      "--tls-ca-path",
      a.caPath,
      "--tls-sni",
      a.name,
      "--auth",
      a.method,
      "--auth-user",
      a.username,
      "--auth-password",
      a.secret,
      "--from",
      a.from,
      "--to",
      a.to.join(","),
      "--data",
      "-",
    ],
    // It ends the last line itself.
    Buffer.from(a.message.toString("latin1").replaceAll("\r\n", "\n").replace(/\n$/, ""), "latin1"),
  );

const nodemailer: MailClient = async (a) => {
  const transport = createTransport({
    host: a.host,
    port: a.port,
    secure: a.mode === "implicit",
    requireTLS: a.mode === "starttls",
    tls: { servername: a.name, ca: await readFile(a.caPath, "utf8") },
    auth: { user: a.username, pass: a.secret },
    authMethod: a.method,
  });
  try {
    const info: SentMessageInfo = await transport.sendMail({
      envelope: { from: a.from, to: a.to },
      raw: a.message,
    });
    const refused: Error[] = info.rejectedErrors ?? [];
    return { sent: true, words: [info.response, ...refused.map(({ message }) => message)].join("\n") };
  } catch (error) {
    return { sent: false, words: String(error) };
  } finally {
    transport.close();
  }
};

/** An empty HOST as SMTP_SSL's own, so that the certificate is asked for by its name and the address is the test's. */
const PYTHON = `
import smtplib, socket, ssl, sys
host, port, name, ca, mode, method, user, secret, sender, *to = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
socket.getaddrinfo = lambda wanted, p, *rest, **more: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, int(port)))]
try:
    if mode == "implicit":
        server = smtplib.SMTP_SSL(name, int(port), local_hostname="client.test", context=context)
    else:
        server = smtplib.SMTP(name, int(port), local_hostname="client.test")
        server.starttls(context=context)
    server.ehlo()
    server.esmtp_features["auth"] = method
    server.login(user, secret)
    refused = server.sendmail(sender, to, sys.stdin.buffer.read(), mail_options=["BODY=8BITMIME"])
    server.quit()
    print("sent", refused)
except smtplib.SMTPException as problem:
    print(type(problem).__name__, problem)
    sys.exit(1)
`;

const python: MailClient = (a) =>
  program(
    "/usr/bin/python3",
    [
      "-c",
      PYTHON,
      a.host,
      String(a.port),
      a.name,
      a.caPath,
      a.mode,
      a.method,
      a.username,
      a.secret,
      a.from,
      ...a.to,
    ],
    a.message,
  );

const go: MailClient = (a) =>
  program(
    join(cacheDirectory(), "go", "submit"),
    [`${a.host}:${a.port}`, a.name, a.caPath, a.mode, a.method, a.username, a.secret, a.from, ...a.to],
    a.message,
  );

const curl: MailClient = (a) =>
  program(
    "curl",
    [
      "--silent",
      "--show-error",
      "--verbose",
      "--ssl-reqd",
      "--cacert",
      a.caPath,
      "--connect-to",
      `${a.name}:${a.port}:${a.host}:${a.port}`,
      "--login-options",
      `AUTH=${a.method}`,
      "--user",
      `${a.username}:${a.secret}`,
      "--mail-from",
      a.from,
      ...a.to.flatMap((one) => ["--mail-rcpt", one]),
      "--mail-rcpt-allowfails",
      "--upload-file",
      "-",
      `${a.mode === "implicit" ? "smtps" : "smtp"}://${a.name}:${a.port}/client.test`,
    ],
    a.message,
  );

export const MAIL_CLIENTS = {
  swaks,
  nodemailer,
  "Go's net/smtp": go,
  "Python's smtplib": python,
  curl,
} satisfies Record<string, MailClient>;

import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import { createTransport } from "nodemailer";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterAll, describe, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { probeSubmission } from "../src/platform/submission-probe.ts";
import {
  explain,
  judgePort,
  type FailureCode,
  type PortStatus,
  type SmtpFault,
} from "../src/protocol/submission-check/index.ts";

/** Each mistake against a real little server, as nodemailer meets it in a PDS and as our own probe does. */
const authority = createAuthority();
const leaf = authority.issue(["localhost", "127.0.0.1"]);
const TIMEOUT_MS = 1_500;
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

type Start = () => Promise<number>;

const smtp =
  (options: SMTPServerOptions = {}): Start =>
  async () => {
    const server = new SMTPServer({
      logger: false,
      closeTimeout: 50,
      ...leaf,
      onAuth: (_auth, _session, done) =>
        done(Object.assign(new Error("5.7.8 Wrong user or secret"), { responseCode: 535 })),
      ...options,
    });
    server.on("error", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server.server, "listening");
    closing.push(() => new Promise<void>((done) => server.close(() => done())));
    return (server.server.address() as AddressInfo).port;
  };

/** Says this at once; then, for each line that it hears, what belongs to it. */
const raw =
  (greeting: string | null, answers: [RegExp, string][] = []): Start =>
  async () => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      if (greeting === null) return void socket.destroy();
      socket.write(greeting);
      socket.on("data", (chunk) => {
        const answer = answers.find(([heard]) => heard.test(chunk.toString("latin1")))?.[1];
        if (answer !== undefined) socket.write(answer);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  };

const nothing: Start = async () => {
  const port = await raw("")();
  await closing.pop()!();
  return port;
};

/**
 * Drops each packet that would open a connection, as a firewall does: a listener that takes none, whose queue is full.
 * (Its thread stands still once it listens.)
 */
const blocked: Start = async () => {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const [port] = (await once(worker, "message")) as [number];
  const fillers = Array.from({ length: 8 }, () => connect({ port, host: "127.0.0.1" }));
  for (const filler of fillers) filler.on("error", () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  closing.push(async () => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  });
  return port;
};

const other = authority.issue(["other.test"]);
const expired = authority.issue(["localhost"], {
  notBefore: Date.now() - 120_000,
  notAfter: Date.now() - 60_000,
});
const hello = (extra: string): [RegExp, string] => [/^EHLO/, `250-x\r\n${extra}250 SIZE 100\r\n`];
const banner = "220 x ESMTP\r\n";
const [TLS, START] = [true, false];

describe("each mistake is recognised", () => {
  test.concurrent.each<[string, Start, boolean, FailureCode, PortStatus, ca?: string | null]>([
    ["TLS at once, where STARTTLS is spoken", smtp(), TLS, "wrong-mode", "wrong-mode"],
    ["STARTTLS, where TLS is spoken at once", smtp({ secure: true }), START, "silent", "wrong-mode"],
    ["nothing gets through, TLS at once", blocked, TLS, "blocked", "blocked"],
    ["nothing gets through, STARTTLS", blocked, START, "blocked", "blocked"],
    ["nothing listens", nothing, TLS, "refused", "refused"],
    ["silence, TLS at once", raw(""), TLS, "blocked", "silent"],
    ["silence, STARTTLS", raw(""), START, "silent", "silent"],
    ["closed at once, TLS at once", raw(null), TLS, "closed", "tls-failed"],
    ["closed at once, STARTTLS", raw(null), START, "closed", "silent"],
    ["an SSH server", raw("SSH-2.0-x\r\n"), START, "not-smtp", "not-smtp"],
    ["an SSH server, TLS at once", raw("SSH-2.0-x\r\n"), TLS, "wrong-mode", "not-smtp"],
    ["a web server", raw("", [[/./, "HTTP/1.1 400 Bad Request\r\n\r\n"]]), TLS, "wrong-mode", "tls-failed"],
    [
      "an unknown authority",
      smtp({ secure: true }),
      TLS,
      "certificate-untrusted",
      "certificate-untrusted",
      null,
    ],
    ["an unknown authority, STARTTLS", smtp(), START, "certificate-untrusted", "certificate-untrusted", null],
    ["another name", smtp({ secure: true, ...other }), TLS, "certificate-name", "certificate-name"],
    ["expired", smtp({ secure: true, ...expired }), TLS, "certificate-expired", "certificate-expired"],
    [
      "STARTTLS taken out",
      raw(banner, [hello(""), [/^STARTTLS/, "502 what\r\n"]]),
      START,
      "starttls-stripped",
      "starttls-stripped",
    ],
    [
      "STARTTLS written over",
      raw(banner, [hello("250-XXXXXXXA\r\n"), [/^STARTTLS|^XX/, "500 what\r\n"]]),
      START,
      "starttls-stripped",
      "starttls-stripped",
    ],
    [
      "STARTTLS refused",
      raw(banner, [hello("250-STARTTLS\r\n"), [/^STARTTLS/, "454 not now\r\n"]]),
      START,
      "starttls-failed",
      "starttls-stripped",
    ],
    ["refused by its greeting", raw("554 no service for you\r\n"), START, "rejected", "unwilling"],
    ["busy", raw("421 too many\r\n"), START, "busy", "unwilling"],
    ["a wrong secret", smtp({ secure: true }), TLS, "login", "right"],
    ["a wrong secret, STARTTLS", smtp(), START, "login", "right"],
    ["no log-in there", smtp({ secure: true, disabledCommands: ["AUTH"] }), TLS, "unknown", "no-login"],
  ])("%s", async (_, start, secure, code, status, ca = authority.cert) => {
    const port = await start();
    const fault = await nodemailerFault(port, secure, ca);
    // Without AUTH nodemailer goes on, and this server takes the mail from nobody.
    if (code !== "unknown")
      expect(explain(fault, { host: "localhost", port, secure }).code, fault.message).toBe(code);
    const probed = await probeSubmission({
      host: "localhost",
      ports: [{ port, mode: secure ? "implicit" : "starttls" }],
      timeoutMs: TIMEOUT_MS,
      ...(ca !== null && { ca }),
    });
    if ("fault" in probed) throw new Error(probed.fault);
    const finding = judgePort(probed.facts[0]!, "localhost", Date.now());
    expect(finding.status, `${finding.text} ${JSON.stringify(probed.facts[0])}`).toBe(status);
  });
});

test("on the usual port, silence to STARTTLS is the wrong way to begin", () => {
  const fault = { message: "Greeting never received", code: "ETIMEDOUT" };
  expect(explain(fault, { host: "h", port: 465, secure: false }).code).toBe("wrong-mode");
  expect(explain(fault, { host: "h", port: 587, secure: false }).code).toBe("silent");
});

test("a name that does not resolve, and an address that may not be contacted", async () => {
  const ports = [{ port: 465, mode: "implicit" as const }];
  expect(await probeSubmission({ host: "nowhere.invalid", ports })).toEqual({ fault: "unknown-host" });
  expect(await probeSubmission({ host: "localhost", ports, allow: () => false })).toEqual({
    fault: "forbidden",
  });
  const fault = { message: "getaddrinfo ENOTFOUND nowhere.invalid", code: "EDNS" };
  expect(explain(fault, { host: "nowhere.invalid", port: 465, secure: true }).code).toBe("unknown-host");
});

async function nodemailerFault(port: number, secure: boolean, ca: string | null): Promise<SmtpFault> {
  const transport = createTransport({
    host: "localhost",
    port,
    secure,
    requireTLS: true,
    auth: { user: "u", pass: "p" },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: 3 * TIMEOUT_MS,
    ...(ca !== null && { tls: { ca } }),
  });
  try {
    await transport.sendMail({ from: "a@x.test", to: "b@x.test", text: "x" });
    return { message: "it was sent" };
  } catch (error) {
    return error as SmtpFault;
  } finally {
    transport.close();
  }
}

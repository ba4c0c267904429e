import { X509Certificate } from "node:crypto";
import { createServer as createPlain, type AddressInfo, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterEach, describe, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { tlsaOf } from "../src/protocol/dane/index.ts";
import type { Deadlines } from "../src/relay/context.ts";
import { DEADLINES, openConversation } from "../src/relay/delivery/conversation.ts";
import type { Needs } from "../src/relay/delivery/envelope.ts";
import { reach, type Reached } from "../src/relay/delivery/reach.ts";
import { waysOf } from "../src/relay/delivery/ways.ts";
import type { MailHost } from "../src/relay/delivery/route.ts";
import type { DomainRule, HostDane, MessageAsk, StsState, TlsObservation } from "../src/transport/index.ts";

const authority = createAuthority();
const stranger = createAuthority();
const DAY = 86_400_000;
const expired = { notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY };
const chains = {
  right: authority.issue(["mx.x.test"]),
  other: authority.issue(["mx.y.test"]),
  stranger: stranger.issue(["mx.x.test"]),
  expired: authority.issue(["mx.x.test"], expired),
};

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Peer = { port: number; secured: string[]; mails: string[] };

/** A receiving server on loopback: `secured` are the names that it was asked for by (SNI). */
async function peer(
  certificate: keyof typeof chains | undefined,
  options: Partial<SMTPServerOptions> = {},
): Promise<Peer> {
  const found: Peer = { port: 0, secured: [], mails: [] };
  const server = new SMTPServer({
    ...(certificate && chains[certificate]),
    authOptional: true,
    disabledCommands: certificate ? ["AUTH"] : ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 1,
    onSecure(_socket, session, done) {
      found.secured.push(String(session.servername));
      done(null);
    },
    onMailFrom(address, _session, done) {
      found.mails.push(address.address);
      done(null);
    },
    ...options,
  });
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise<void>((resolve) => server.close(resolve)));
  found.port = (server.server.address() as AddressInfo).port;
  return found;
}

const leafOf = (certificate: keyof typeof chains) =>
  Buffer.from(new X509Certificate(chains[certificate].cert).raw);
const NONE: HostDane = { status: "none", why: "nothing is signed" };
function daneBy(certificate: keyof typeof chains): HostDane {
  return {
    status: "usable",
    base: "mx.x.test",
    names: ["mx.x.test"],
    records: [tlsaOf(leafOf(certificate))!],
  };
}
function daneByAuthority(names: string[]): HostDane {
  const raw = Buffer.from(new X509Certificate(authority.cert).raw);
  return { status: "usable", base: "mx.x.test", names, records: [{ ...tlsaOf(raw)!, usage: 2 }] };
}
const enforce: StsState = { policy: { mode: "enforce", mx: ["mx.x.test"], maxAge: 9 }, fault: undefined };
const testing: StsState = { policy: { ...enforce.policy!, mode: "testing" }, fault: undefined };

type Around = {
  dane?: HostDane;
  sts?: StsState;
  rule?: DomainRule;
  ask?: MessageAsk;
  addresses?: string[];
  deadlines?: Partial<Deadlines>;
};

const ASCII: Needs = { size: 1, eightBit: false, smtpUtf8: false, recipients: [] };

async function reachHosts(
  port: number,
  { dane = NONE, sts, rule, ask, addresses = ["127.0.0.1"], deadlines }: Around,
) {
  const observations: TlsObservation[] = [];
  const hosts: MailHost[] = [{ name: "mx.x.test", mxSecure: true, dane, addresses }];
  const domain = { domain: "x.test", sts: sts ?? { policy: undefined, fault: undefined }, rule };
  const reached = await reach(waysOf(hosts, domain, ask), ASCII, {
    port,
    ehlo: "relay.pool.test",
    ca: authority.cert,
    deadlines: { ...DEADLINES, greeting: 1_000, ehlo: 1_000, tls: 1_000, ...deadlines },
    now: () => 1,
    observed: (one) => observations.push(one),
  });
  if (reached.ok) closers.push(() => reached.conversation.close());
  return { reached, observations, outcome: outcomeOf(reached) };
}

function outcomeOf(reached: Reached): string {
  if (!reached.ok)
    return `${reached.reply.enhanced || reached.reply.code}${reached.permanent ? " for good" : ""}`;
  return reached.conversation.tls.split(" ")[0] || "in clear";
}

const told = (observations: TlsObservation[]) =>
  observations.map(({ policy, failure }) => `${policy.type} ${failure?.type ?? "ok"}`);

describe("a host shows what is needed, or hears QUIT", () => {
  const clear: DomainRule = { tls: "clear", minVersion: "TLSv1.2" };
  const verified: DomainRule = { tls: "verified", minVersion: "TLSv1.2" };
  type Row = [string, keyof typeof chains | undefined, Around, outcome: string, observed: string];
  const rows: Row[] = [
    ["the floor by a stranger", "stranger", {}, "TLSv1.3", "no-policy-found ok"],
    ["the floor, expired", "expired", {}, "TLSv1.3", "no-policy-found ok"],
    ["no TLS", undefined, {}, "4.7.5", "no-policy-found starttls-not-supported"],
    [
      "no TLS, by the operator's exception",
      undefined,
      { rule: clear },
      "in clear",
      "no-policy-found starttls-not-supported",
    ],
    ["DANE", "stranger", { dane: daneBy("stranger") }, "TLSv1.3", "tlsa ok"],
    ["DANE, expired", "expired", { dane: daneBy("expired") }, "TLSv1.3", "tlsa ok"],
    ["DANE, another key", "right", { dane: daneBy("other") }, "4.7.5", "tlsa validation-failure"],
    ["DANE by the authority", "right", { dane: daneByAuthority(["mx.x.test"]) }, "TLSv1.3", "tlsa ok"],
    [
      "DANE by the authority, another name",
      "other",
      { dane: daneByAuthority(["mx.x.test"]) },
      "4.7.5",
      "tlsa validation-failure",
    ],
    [
      "DANE by the authority, the mail domain's name",
      "other",
      { dane: daneByAuthority(["mx.x.test", "mx.y.test"]) },
      "TLSv1.3",
      "tlsa ok",
    ],
    ["DANE, and no TLS", undefined, { dane: daneBy("right") }, "4.7.5", "tlsa starttls-not-supported"],
    [
      "DANE missed, by exception",
      "right",
      { dane: daneBy("other"), rule: clear },
      "TLSv1.3",
      "tlsa validation-failure",
    ],
    ["MTA-STS", "right", { sts: enforce }, "TLSv1.3", "sts ok"],
    ["MTA-STS, another name", "other", { sts: enforce }, "4.7.5", "sts certificate-host-mismatch"],
    ["MTA-STS, a stranger", "stranger", { sts: enforce }, "4.7.5", "sts certificate-not-trusted"],
    ["MTA-STS, expired", "expired", { sts: enforce }, "4.7.5", "sts certificate-expired"],
    ["MTA-STS on trial", "stranger", { sts: testing }, "TLSv1.3", "sts certificate-not-trusted"],
    [
      "MTA-STS on trial, no TLS: the floor is the floor",
      undefined,
      { sts: testing },
      "4.7.5",
      "sts starttls-not-supported",
    ],
    [
      "TLS-Required: No",
      "stranger",
      { sts: enforce, ask: "tls-optional" },
      "TLSv1.3",
      "sts certificate-not-trusted",
    ],
    [
      "the operator asks for a good certificate",
      "right",
      { rule: verified },
      "TLSv1.3",
      "no-policy-found ok",
    ],
    ["and there is none", "stranger", { rule: verified }, "4.7.5", "no-policy-found ok"],
    [
      "REQUIRETLS, and the host has it not",
      "right",
      { ask: "require-tls" },
      "5.7.30 for good",
      "no-policy-found ok",
    ],
  ];
  test.each(rows)("%s", async (_, certificate, around, outcome, observed) => {
    const there = await peer(certificate);
    const found = await reachHosts(there.port, around);
    expect(found.outcome).toBe(outcome);
    expect(told(found.observations)).toEqual([observed]);
    expect(there.mails).toEqual([]);
    expect(there.secured).toEqual(certificate ? ["mx.x.test"] : []);
    if (!found.reached.ok) expect(found.reached.transcript).toMatch(/\*: not used: \S/);
  });
});

test.each<[string, HostDane, boolean]>([
  ["alone", NONE, true],
  [
    "beside one that is passed over for now",
    { status: "fault", kind: "timeout", detail: "no answer" },
    false,
  ],
])("a host without REQUIRETLS, %s: for good %s", async (_, dane, permanent) => {
  const { port } = await peer("right");
  const host = (name: string, about: HostDane): MailHost => ({
    name,
    mxSecure: true,
    dane: about,
    addresses: ["127.0.0.1"],
  });
  const hosts = [host("mx.x.test", NONE), host("mx2.x.test", dane)].slice(0, dane === NONE ? 1 : 2);
  const domain = { domain: "x.test", sts: { policy: undefined, fault: undefined }, rule: undefined };
  const reached = await reach(waysOf(hosts, domain, "require-tls"), ASCII, {
    port,
    ehlo: "relay.pool.test",
    ca: authority.cert,
    deadlines: DEADLINES,
    now: () => 1,
    observed: () => undefined,
  });
  expect(reached).toMatchObject({ ok: false, forTls: true, permanent });
});

test("REQUIRETLS goes to a host that offers it, with a certificate for its name, and is said there", async () => {
  const heard: string[] = [];
  const answer = (socket: Socket, line: string, secure: boolean) => {
    heard.push(line);
    if (line.startsWith("EHLO")) socket.write(`250-mx\r\n250 ${secure ? "REQUIRETLS" : "STARTTLS"}\r\n`);
    else socket.write(line === "DATA" ? "354 go\r\n" : "250 ok\r\n");
  };
  const listen = (socket: Socket, secure: boolean) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      if (text === "STARTTLS\r\n") {
        socket.removeAllListeners("data").write("220 go\r\n");
        listen(new TLSSocket(socket, { isServer: true, ...chains.right }), true);
      } else for (const line of text.trimEnd().split("\r\n")) answer(socket, line, secure);
    });
  };
  const server = createPlain((socket) => {
    socket.write("220 mx\r\n");
    listen(socket, false);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closers.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { reached } = await reachHosts(port, { ask: "require-tls" });
  if (!reached.ok) throw new Error(reached.reply.text);
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a: b\r\n\r\nc\r\n");
  }
  const sent = await reached.conversation.transfer({
    from: "a@b.test",
    recipients: [{ address: "c@x.test", notify: null, orcpt: null }],
    size: 10,
    eightBit: false,
    smtpUtf8: false,
    requireTls: reached.way.tls.need.requireTls,
    ret: null,
    envid: null,
    content: content(),
    mayFinish: () => true,
    isRetry: false,
  });
  expect(heard).toContain("MAIL FROM:<a@b.test> REQUIRETLS");
  expect(sent).toMatchObject({ aborted: false });
});

test("the next address is asked when the first has not what is needed, and both are told of", async () => {
  const there = await peer("right");
  const { reached, observations } = await reachHosts(there.port, {
    sts: enforce,
    addresses: ["127.0.0.9", "127.0.0.1"],
  });
  expect(outcomeOf(reached)).toBe("TLSv1.3");
  expect(reached.ok && reached.host).toBe("mx.x.test [127.0.0.1]");
  expect(reached.ok && reached.before).toMatch(/ECONNREFUSED/);
  expect(observations).toMatchObject([
    { domain: "x.test", policy: { type: "sts", mxHosts: ["mx.x.test"] }, failure: undefined },
  ]);
});

test("a host that hangs leaves time for the next", async () => {
  const { port } = await peer("right");
  const silent = createPlain((socket) => void socket.on("error", () => undefined));
  await new Promise<void>((resolve) => void silent.listen(port, "127.0.0.9", resolve));
  closers.push(() => void silent.close());
  const { reached } = await reachHosts(port, {
    addresses: ["127.0.0.9", "127.0.0.1"],
    deadlines: { connect: 200, greeting: 60_000 },
  });
  expect(reached.ok && reached.host).toBe("mx.x.test [127.0.0.1]");
});

test("a failure is told with both ends of the connection", async () => {
  const there = await peer("other");
  const { observations } = await reachHosts(there.port, { sts: enforce });
  expect(observations[0]!.failure).toEqual({
    type: "certificate-host-mismatch",
    reason: expect.stringMatching(/name of the host/),
    sendingIp: "127.0.0.1",
    mxHost: "mx.x.test",
    mxHelo: expect.stringMatching(/\S/),
    receivingIp: "127.0.0.1",
  });
});

test("STARTTLS that breaks keeps mail back, and by exception it goes in clear", async () => {
  const there = await peer("right", {
    maxVersion: "TLSv1.1",
    minVersion: "TLSv1",
    ciphers: "DEFAULT@SECLEVEL=0",
  } as Partial<SMTPServerOptions>);
  const kept = await reachHosts(there.port, {});
  expect(kept.reached).toMatchObject({
    ok: false,
    forTls: true,
    permanent: false,
    reply: { phase: "starttls" },
  });
  expect(told(kept.observations)).toEqual(["no-policy-found validation-failure"]);
  const gone = await reachHosts(there.port, { rule: { tls: "clear", minVersion: "TLSv1.2" } });
  expect(gone.outcome).toBe("in clear");
});

test("the proof: version, cipher, the chain as it was shown, and what the authorities say", async () => {
  const there = await peer("right");
  const opened = await openConversation({
    name: "mx.x.test",
    address: "127.0.0.1",
    port: there.port,
    servername: "mx.x.test",
    clear: false,
    ehlo: "relay.pool.test",
    deadlines: DEADLINES,
    withinMs: 5_000,
  });
  if (!opened.ok) throw new Error(opened.reply.text);
  const { proof, tls, peer: whom } = opened.conversation;
  opened.conversation.close();
  expect(tls).toMatch(/^TLSv1\.3 TLS_/);
  expect(proof.chain.map((der) => Buffer.from(der))).toEqual([
    leafOf("right"),
    Buffer.from(new X509Certificate(authority.cert).raw),
  ]);
  expect(proof).toMatchObject({
    untrusted: "SELF_SIGNED_CERT_IN_CHAIN",
    named: true,
    offersRequireTls: false,
  });
  expect(whom).toMatchObject({ localAddress: "127.0.0.1", address: "127.0.0.1" });
});

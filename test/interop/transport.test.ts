import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttps, type Server as HttpsServer } from "node:https";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MovableClock } from "../../src/lib/clock.ts";
import { createResolver } from "../../src/platform/dns/index.ts";
import { formatTlsa, tlsaOf } from "../../src/protocol/dane/index.ts";
import type { TlsObservation } from "../../src/transport/index.ts";
import { client, newDirectory, startRelay, stopRelay, type Testbed } from "../relay-harness.ts";
import {
  startCertificateAuthority,
  type Certificate,
  type CertificateAuthority,
} from "./servers/certificate.ts";
import { startNsd, type Nsd, type SignedZone } from "./servers/nsd.ts";
import { startPostfix } from "./servers/postfix.ts";
import { freePort, until } from "./servers/process.ts";
import { startUnbound, type Unbound } from "./servers/unbound.ts";

/*
 * The relay sends to mail hosts whose DNS is a real, signed one (nsd, ldns-signzone) behind a real validating resolver
 * (unbound), and whose MTA-STS policies are fetched over HTTPS. Hosts are Postfix and a sink with a certificate of choice.
 */

const RIGHT = "127.0.3.1";
const WRONG_NAME = "127.0.3.2";
const STRANGER = "127.0.3.3";
const PLAIN = "127.0.3.4";
const POSTFIX = "127.0.3.5";
const POLICY_HOST = "127.0.3.9";
const ADDRESSES = [RIGHT, WRONG_NAME, STRANGER, PLAIN];

const stack = new AsyncDisposableStack();
let authority: CertificateAuthority;
let certificates: { right: Certificate; wrong: Certificate; stranger: Certificate };
let nsd: Nsd;
let unbound: Unbound;
let bed: Testbed;
let clock: MovableClock;
let observations: TlsObservation[] = [];
/** What the policy host serves for each domain; a function may answer otherwise. */
const policies = new Map<string, string>();
const sinks: SMTPServer[] = [];
let arrived: { to: string; address: string; tls: boolean }[] = [];

const der = (pem: string) => new X509Certificate(pem).raw;
const tlsa = (usage: number, selector: number, matching: number, pem: string): string => {
  const own = tlsaOf(der(pem))!;
  const subject =
    selector === 0 ? der(pem) : new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" });
  const certificate = matching === 0 ? subject : own.certificate;
  if (matching === 1 && selector === 0) throw new Error("give the key's digest, or the whole");
  return formatTlsa({ usage, selector, matchingType: matching, certificate });
};

/** A mail domain with one host at `address`, and what else stands in its zone. */
function domain(
  name: string,
  address: string,
  options: {
    signatures?: SignedZone["signatures"];
    tlsa?: string[];
    more?: string[];
    host?: string;
    sts?: string;
  } = {},
): SignedZone {
  const host = options.host ?? `mx.${name}`;
  return {
    name,
    signatures: options.signatures ?? "good",
    records: [
      `${name}. MX 10 ${host}.`,
      ...(host.endsWith(name) ? [`${host}. A ${address}`] : []),
      ...(options.tlsa ?? []).map((data) => `_25._tcp.${host}. TLSA ${data}`),
      ...(options.sts
        ? [`_mta-sts.${name}. TXT "v=STSv1; id=${options.sts}"`, `mta-sts.${name}. A ${POLICY_HOST}`]
        : []),
      ...(options.more ?? []),
    ],
  };
}

const NAMES = [
  "ee.test",
  "postfix.test",
  "roll.test",
  "mismatch.test",
  "ta.test",
  "taname.test",
  "unusable.test",
  "bogus.test",
  "lame.test",
  "insecure.test",
  "opportunistic.test",
  "nodane.test",
  "alias.test",
  "plain.test",
  "clear.test",
  "enforce.test",
  "wrongcert.test",
  "wrongmx.test",
  "testing.test",
  "off.test",
  "stale.test",
  "fallback.test",
];

function zones(): SignedZone[] {
  const { right, stranger } = certificates;
  const ee = (one: Certificate) => [tlsa(3, 1, 1, one.cert)];
  return [
    domain("ee.test", RIGHT, { tlsa: ee(right) }),
    domain("postfix.test", POSTFIX, { tlsa: [tlsa(3, 1, 0, stranger.cert)] }),
    domain("roll.test", RIGHT, { tlsa: [...ee(stranger), ...ee(right)] }),
    domain("mismatch.test", RIGHT, { tlsa: ee(stranger) }),
    domain("ta.test", RIGHT, { tlsa: [tlsa(2, 0, 0, authority.cert)] }),
    domain("taname.test", WRONG_NAME, { tlsa: [tlsa(2, 1, 1, authority.cert)] }),
    domain("unusable.test", STRANGER, { tlsa: [tlsa(1, 1, 1, right.cert), tlsa(0, 1, 1, right.cert)] }),
    // Delegated, or the signed zone above would say that nothing is there.
    domain("bogus.test", RIGHT, { more: ["_tcp.mx.bogus.test. NS ns.bogus.test."] }),
    {
      name: "_tcp.mx.bogus.test",
      signatures: "broken",
      records: [`_25._tcp.mx.bogus.test. TLSA ${ee(right)[0]}`],
    },
    domain("lame.test", RIGHT, { more: ["_tcp.mx.lame.test. NS ns.lame.test."] }),
    domain("insecure.test", RIGHT, { signatures: "none", tlsa: ee(stranger) }),
    domain("opportunistic.test", RIGHT, { signatures: "none", host: "mx.ee.test" }),
    domain("nodane.test", STRANGER),
    {
      name: "alias.test",
      records: ["alias.test. MX 10 mx.alias.test.", "mx.alias.test. CNAME mx.ee.test."],
    },
    domain("plain.test", PLAIN),
    domain("clear.test", PLAIN),
    domain("enforce.test", RIGHT, { signatures: "none", sts: "a" }),
    domain("wrongcert.test", STRANGER, { signatures: "none", sts: "a" }),
    domain("wrongmx.test", RIGHT, { signatures: "none", sts: "a" }),
    domain("testing.test", STRANGER, { signatures: "none", sts: "a" }),
    domain("off.test", STRANGER, { signatures: "none", sts: "a" }),
    domain("stale.test", RIGHT, { signatures: "none", sts: "a" }),
    {
      ...domain("fallback.test", RIGHT, { tlsa: ee(stranger) }),
      records: [
        "fallback.test. MX 10 mx1.fallback.test.",
        "fallback.test. MX 20 mx2.fallback.test.",
        `mx1.fallback.test. A ${STRANGER}`,
        `mx2.fallback.test. A ${RIGHT}`,
        ...["mx1", "mx2"].map((host) => `_25._tcp.${host}.fallback.test. TLSA ${ee(right)[0]}`),
      ],
    },
  ];
}

const policy = (mode: string, mx: string) => `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 604800\n`;

beforeAll(async () => {
  authority = stack.use(await startCertificateAuthority());
  const elsewhere = stack.use(await startCertificateAuthority());
  const hosts = NAMES.flatMap((name) => [`mx.${name}`, `mx1.${name}`, `mx2.${name}`]);
  certificates = {
    right: await authority.issue(...hosts),
    wrong: await authority.issue("mx.elsewhere.test"),
    stranger: await elsewhere.issue(...hosts),
  };
  const served = zones();
  nsd = stack.use(await startNsd(served));
  // It knows no zone of these, and refuses each.
  const ignorant = stack.use(await startNsd([{ name: "other.test", records: [] }]));
  const signed = served.filter(({ signatures }) => signatures !== "none").map(({ name }) => name);
  unbound = stack.use(
    await startUnbound({
      dns: nsd,
      zones: served.map(({ name }) => name),
      stubs: { "_tcp.mx.lame.test": ignorant },
      trustAnchors: signed.map((name) => nsd.anchor(name)),
    }),
  );
  const port = await freePort(RIGHT);
  for (const address of ADDRESSES) stack.defer(await startSink(address, port));
  stack.use(
    await startPostfix({
      hostname: "mx.postfix.test",
      host: POSTFIX,
      port,
      domains: ["postfix.test"],
      tls: certificates.stranger,
    }),
  );
  stack.defer(await startPolicyHost());
  for (const name of ["enforce.test", "wrongcert.test", "stale.test"])
    policies.set(name, policy("enforce", `mx.${name}`));
  policies.set("wrongmx.test", policy("enforce", "mx.elsewhere.test"));
  policies.set("testing.test", policy("testing", "mx.testing.test"));
  policies.set("off.test", policy("none", "mx.off.test"));
  const directory = newDirectory();
  stack.defer(() => directory.remove());
  clock = new MovableClock(Date.now());
  bed = await startRelay(directory.path, port, clock, {
    outside: {
      resolver: createResolver({ servers: [`${unbound.host}:${unbound.port}`], timeoutMs: 5_000 }),
      ca: authority.cert,
      observed: (one) => observations.push(one),
      ruleOf: (name) => (name === "clear.test" ? { tls: "clear", minVersion: "TLSv1.2" } : undefined),
    },
  });
  stack.defer(() => stopRelay(bed));
}, 120_000);
afterAll(() => stack.disposeAsync());

async function startSink(address: string, port: number): Promise<() => Promise<void>> {
  const one = {
    [RIGHT]: certificates.right,
    [WRONG_NAME]: certificates.wrong,
    [STRANGER]: certificates.stranger,
  }[address];
  const server = new SMTPServer({
    ...(one && { key: one.key, cert: one.cert + (address === STRANGER ? "" : authority.cert) }),
    authOptional: true,
    disabledCommands: one ? ["AUTH"] : ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 1,
    onData(stream, session, done) {
      stream.resume().once("end", () => {
        for (const { address: to } of session.envelope.rcptTo)
          arrived.push({ to, address, tls: session.secure });
        done();
      });
    },
  });
  server.on("error", () => undefined);
  sinks.push(server);
  await new Promise<void>((resolve) => void server.listen(port, address, resolve));
  return () => new Promise<void>((resolve) => server.close(resolve));
}

async function startPolicyHost(): Promise<() => void> {
  const { key, cert } = await authority.issue(...NAMES.map((name) => `mta-sts.${name}`));
  const server: HttpsServer = createHttps({ key, cert }, (request, response) => {
    const name = (request.headers.host ?? "").replace(/^mta-sts\./, "").replace(/:.*/, "");
    const text = request.url === "/.well-known/mta-sts.txt" ? policies.get(name) : undefined;
    response.writeHead(text === undefined ? 404 : 200, { "content-type": "text/plain" }).end(text);
  });
  server.listen(443, POLICY_HOST);
  await once(server, "listening");
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

type Came = { state: string; host: string; text: string; transcript: string; observed: string[] };

/** Sends one message to `user@name`, and says what became of it. */
async function send(name: string): Promise<Came> {
  observations = [];
  const { response } = await client(bed).sendMail({
    from: "noreply@member.test",
    to: `user@${name}`,
    subject: "Your code",
    text: "It is 123456.",
  });
  const id = / as (\S+?)(?:[,\s]|$)/.exec(response)?.[1] ?? "";
  await bed.relay.settle();
  const view = await bed.spool.message(id);
  const [attempt] = await bed.spool.attempts(id);
  return {
    state: view!.recipients[0]!.state,
    host: attempt?.host ?? "",
    text: attempt?.text ?? "",
    transcript: attempt?.transcript ?? "",
    observed: observations
      .filter((one) => one.domain === name)
      .map(({ policy: { type }, failure }) => `${type} ${failure?.type ?? "ok"}`),
  };
}

describe("what becomes of mail", () => {
  const cases: [string, string, state: string, why: RegExp | undefined, observed: string[]][] = [
    ["DANE-EE, the key matches", "ee.test", "delivered", undefined, ["tlsa ok"]],
    [
      "DANE-EE of a Postfix whose authority nobody knows",
      "postfix.test",
      "delivered",
      undefined,
      ["tlsa ok"],
    ],
    ["DANE-EE, one of two keys", "roll.test", "delivered", undefined, ["tlsa ok"]],
    [
      "DANE-EE, another key",
      "mismatch.test",
      "deferred",
      /none of the host's TLSA/,
      ["tlsa validation-failure"],
    ],
    ["DANE-TA", "ta.test", "delivered", undefined, ["tlsa ok"]],
    [
      "DANE-TA, another name",
      "taname.test",
      "deferred",
      /none of the host's TLSA/,
      ["tlsa validation-failure"],
    ],
    ["only unusable records", "unusable.test", "delivered", undefined, ["tlsa ok"]],
    [
      "TLSA records of which no signature holds",
      "bogus.test",
      "deferred",
      /signatures that do not hold/,
      ["tlsa dnssec-invalid"],
    ],
    [
      "TLSA records that nobody tells",
      "lame.test",
      "deferred",
      /could not be looked up/,
      ["tlsa dnssec-invalid"],
    ],
    ["TLSA records in an unsigned zone", "insecure.test", "delivered", undefined, ["no-policy-found ok"]],
    ["an unsigned domain at a signed host", "opportunistic.test", "delivered", undefined, ["tlsa ok"]],
    ["a mail host that is an alias of a signed host", "alias.test", "delivered", undefined, ["tlsa ok"]],
    ["signed, and no TLSA record", "nodane.test", "delivered", undefined, ["no-policy-found ok"]],
    [
      "the first host does not match, the second does",
      "fallback.test",
      "delivered",
      undefined,
      ["tlsa validation-failure", "tlsa ok"],
    ],
    ["no TLS at all", "plain.test", "deferred", /no encryption/, ["no-policy-found starttls-not-supported"]],
    [
      "no TLS, by the operator's exception",
      "clear.test",
      "delivered",
      undefined,
      ["no-policy-found starttls-not-supported"],
    ],
    ["MTA-STS", "enforce.test", "delivered", undefined, ["sts ok"]],
    [
      "MTA-STS, a certificate of nobody known",
      "wrongcert.test",
      "deferred",
      /no known authority/,
      ["sts certificate-not-trusted"],
    ],
    [
      "MTA-STS names other hosts",
      "wrongmx.test",
      "deferred",
      /MTA-STS policy names/,
      ["sts validation-failure"],
    ],
    ["MTA-STS on trial", "testing.test", "delivered", undefined, ["sts certificate-not-trusted"]],
    ["MTA-STS taken back", "off.test", "delivered", undefined, ["no-policy-found ok"]],
  ];
  test.each(cases)("%s (%s)", async (_, name, state, why, observed) => {
    const before = arrived.length;
    const came = await send(name);
    expect([came.state, came.text].join(": "), came.transcript).toMatch(why ?? /^delivered/);
    expect(came.state).toBe(state);
    expect(came.observed).toEqual(observed);
    if (name !== "postfix.test") expect(arrived.length - before).toBe(state === "delivered" ? 1 : 0);
  });
});

test("a policy that was known stands when its host changes, it cannot be fetched, and its record is gone", async () => {
  expect((await send("stale.test")).observed).toEqual(["sts ok"]);
  policies.delete("stale.test");
  // What is open goes on being used, and was good when it began.
  await until("the end of connections", () => sinks.every(({ connections }) => connections.size === 0));
  await nsd.put(domain("stale.test", STRANGER, { signatures: "none", sts: "b" }));
  clock.advance(400_000);
  const came = await send("stale.test");
  expect(came.state).toBe("deferred");
  expect(came.observed).toContain("sts sts-policy-fetch-error");
  expect(came.observed).toContain("sts certificate-not-trusted");
  await nsd.put(domain("stale.test", STRANGER, { signatures: "none" }));
  clock.advance(400_000);
  expect(new Set((await send("stale.test")).observed)).toEqual(new Set(["sts certificate-not-trusted"]));
  clock.advance(8 * 86_400_000);
  expect((await send("stale.test")).observed).toEqual(["no-policy-found ok"]);
});

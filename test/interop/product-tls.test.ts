import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatTlsa, tlsaOf } from "../../src/protocol/dane/index.ts";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { startCertificateAuthority, type Certificate } from "./servers/certificate.ts";
import { startChromium, type Chromium } from "./servers/chromium.ts";
import { startNsd, type SignedZone } from "./servers/nsd.ts";
import { until } from "./servers/process.ts";
import { startSink, type Sink } from "./sink.ts";
import { openSubmission } from "./submission.ts";

/*
 * The built product, by its settings alone, delivers to domains that say how their mail must travel: by DANE in zones that
 * are signed, behind a real validating resolver, and by MTA-STS over HTTPS. What becomes of each message its member reads on
 * its page, asks the API for, and the operator sees in the queue.
 */

const MEMBER = "alder.test";
const RECEIVER = "127.0.4.1";
const STRANGER = "127.0.4.2";
const TRUSTED = "127.0.4.3";
const POLICY_HOST = "127.0.4.9";
const DANE = ["dane-right.test", "dane-wrong.test", "dane-weak.test"] as const;
const STS = ["sts-right.test", "sts-wrong.test", "sts-other.test", "sts-moved.test", "sts-broken.test"];

const stack = new AsyncDisposableStack();
const sinks: Sink[] = [];
/** What the policy host says for each domain: a status and a body, or where to. */
const policies = new Map<string, { status: number; text: string; location?: string }>();
const fetched: string[] = [];
let coop: Cooperative;
let member: Member;
let chromium: Chromium;

const digest = ({ cert }: Certificate, matchingType: 1 | 2 = 1) => {
  const record = tlsaOf(new X509Certificate(cert).raw)!;
  const wrong = Buffer.alloc(64, 1);
  return formatTlsa(matchingType === 1 ? record : { ...record, matchingType, certificate: wrong });
};

function zonesOf(right: Certificate, other: Certificate): SignedZone[] {
  const tlsa = {
    "dane-right.test": [digest(right)],
    "dane-wrong.test": [digest(other)],
    // Its SHA-256 matches; beside a SHA-512 that does not it counts for nothing.
    "dane-weak.test": [digest(right), digest(right, 2)],
  };
  return DANE.map((name) => ({
    name,
    records: [
      `${name}. MX 10 mx.${name}.`,
      `mx.${name}. A ${STRANGER}`,
      ...tlsa[name].map((data) => `_25._tcp.mx.${name}. TLSA ${data}`),
    ],
  }));
}

beforeAll(async () => {
  const elsewhere = stack.use(await startCertificateAuthority());
  const hosts = [...DANE, ...STS].map((name) => `mx.${name}`);
  const stranger = await elsewhere.issue(...hosts);
  const nsd = stack.use(await startNsd(zonesOf(stranger, await elsewhere.issue("mx.other.test"))));
  coop = stack.use(
    await startCooperative(undefined, {
      trusting: true,
      dns: {
        stubs: Object.fromEntries(DANE.map((name) => [name, nsd])),
        trustAnchors: DANE.map((name) => nsd.anchor(name)),
      },
    }),
  );
  const { authority, deliveryPort: port, zones } = coop;
  const certificates = {
    [RECEIVER]: stranger,
    [STRANGER]: stranger,
    [TRUSTED]: await authority.issue(...hosts),
  };
  for (const [host, certificate] of Object.entries(certificates)) {
    const sink = stack.use(await startSink({ host, port }, certificate));
    sinks.push(sink);
  }
  for (const name of STS) {
    coop.receives(name, name === "sts-wrong.test" || name === "sts-moved.test" ? STRANGER : TRUSTED);
    zones.set(`_mta-sts.${name}`, "TXT", { text: "v=STSv1; id=a1" });
    zones.set(`mta-sts.${name}`, "A", { address: POLICY_HOST });
    const mx = name === "sts-other.test" ? "mx.elsewhere.test" : `mx.${name}`;
    const text = `version: STSv1\r\nmode: enforce\r\nmx: ${mx}\r\nmax_age: 604800\r\n`;
    policies.set(name, { status: 200, text });
  }
  const there = policies.get("sts-moved.test")!;
  policies.set("sts-moved.test", {
    ...there,
    status: 301,
    location: "https://mta-sts.sts-right.test/.well-known/mta-sts.txt",
  });
  policies.set("sts-broken.test", { status: 200, text: "<html>Hello</html>" });
  stack.defer(await startPolicyHost());
  member = await coop.join(MEMBER, { address: RECEIVER, tier: "trusted" });
  chromium = stack.use(await startChromium());
}, 180_000);
afterAll(() => stack.disposeAsync());
tellLogOnFailure(() => coop?.product);

async function startPolicyHost(): Promise<() => void> {
  const { key, cert } = await coop.authority.issue(...STS.map((name) => `mta-sts.${name}`));
  const server = createServer({ key, cert }, (request, response) => {
    const name = (request.headers.host ?? "").replace(/^mta-sts\./, "").replace(/:.*/, "");
    fetched.push(`${name}${request.url}`);
    const { status, text, location } = policies.get(name) ?? { status: 404, text: "" };
    response.writeHead(status, { "content-type": "text/plain", ...(location && { location }) }).end(text);
  });
  server.listen(443, POLICY_HOST);
  await once(server, "listening");
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

async function send(domain: string): Promise<string> {
  const submission = await openSubmission(coop, member);
  try {
    const from = `noreply@${MEMBER}`;
    const date = new Date().toUTCString();
    const text = `From: ${from}\r\nTo: reader@${domain}\r\nSubject: For ${domain}\r\nDate: ${date}\r\n\r\nHi\r\n`;
    const reply = await submission.send(from, `reader@${domain}`, text);
    return / as (\S+?)(?:[,\s]|$)/.exec(reply)?.[1] ?? "";
  } finally {
    submission.destroy();
  }
}

type Attempt = { text: string; class: string; tls: string; tlsPolicy: string | null };
type Shown = { message: { recipients: { state: string }[] }; attempts: Attempt[] };

/** As `atmos queue show` says it, when it was tried. */
const tried = (id: string) =>
  until("an attempt", async () => {
    const { message, attempts } = (await coop.product.cli("queue", "show", id)) as unknown as Shown;
    const [{ state }] = message.recipients as [{ state: string }];
    return attempts.length > 0 && { state, attempt: attempts.at(-1)! };
  });

type ApiView = { recipients: { state: string; attempts: (Attempt & { conversation: string })[] }[] };

async function byApi(id: string): Promise<ApiView["recipients"][0]> {
  const login = Buffer.from(`${member.username}:${member.secret}`).toString("base64");
  const headers = { authorization: `Basic ${login}` };
  const response = await fetch(`${coop.product.url}/v1/messages/${id}`, { headers });
  expect(response.status).toBe(200);
  return ((await response.json()) as ApiView).recipients[0]!;
}

const ids = new Map<string, string>();

describe("what becomes of mail for", () => {
  const NO_MATCH = /matches none of the host's TLSA records \(DANE\)/;
  test.each<[string, state: string, policy: string | null, why: RegExp]>([
    ["dane-right.test", "delivered", "dane", /^/],
    ["dane-wrong.test", "deferred", null, NO_MATCH],
    ["dane-weak.test", "deferred", null, NO_MATCH],
    ["sts-right.test", "delivered", "mta-sts", /^/],
    ["sts-wrong.test", "deferred", null, /no known authority stands behind the certificate/],
    [
      "sts-other.test",
      "deferred",
      null,
      /mx\.sts-other\.test is not one of the mail hosts that the MTA-STS policy names/,
    ],
    // A policy that cannot be had holds nothing back: it is told in the reports.
    ["sts-moved.test", "delivered", "floor", /^/],
    ["sts-broken.test", "delivered", "floor", /^/],
  ])("%s: %s", async (domain, state, policy, why) => {
    const id = await send(domain);
    ids.set(domain, id);
    const found = await tried(id);
    expect([found.state, found.attempt.tlsPolicy]).toEqual([state, policy]);
    expect(found.attempt.text).toMatch(why);
    if (state === "deferred") expect(found.attempt.class).toBe("no-tls");
    const api = await byApi(id);
    expect([api.state, api.attempts[0]!.tlsPolicy, api.attempts[0]!.text]).toEqual([
      state,
      policy,
      found.attempt.text,
    ]);
    const copies = sinks.flatMap(({ copies }) => copies).filter(({ to }) => to.includes(`reader@${domain}`));
    expect(copies).toHaveLength(state === "delivered" ? 1 : 0);
  });
});

test("mail for a domain whose mail host has our own address comes back as a loop", async () => {
  coop.receives("loop.test", "127.0.0.2");
  const { state, attempt } = await tried(await send("loop.test"));
  expect([state, attempt.class]).toEqual(["bounced", "system"]);
  expect(attempt.text).toMatch(
    /loops back to us: its mail host mx\.loop\.test \[127\.0\.0\.2\] is this relay/,
  );
});

test("each policy was fetched once from its own host, and no redirect was followed", () => {
  expect(fetched.toSorted()).toEqual(STS.map((name) => `${name}/.well-known/mta-sts.txt`).toSorted());
});

test("the member's page says by what the mail went, and why it waits", async () => {
  const link = String((await coop.product.cli("link", member.did))["url"]);
  const text = await chromium.visit(coop.product.url, {}, async (page) => {
    await page.goto(link);
    await page.getByRole("button", { name: "Open" }).click();
    await page.waitForURL((url) => !String(url).startsWith(link));
    await page.goto(`${coop.product.url}/members/${member.did}`);
    await page.evaluate('document.querySelectorAll("details").forEach((one) => (one.open = true))');
    return page.innerText("main");
  });
  expect(text).toMatch(/TLSv1\.3 \S+, by DANE/);
  expect(text).toMatch(/TLSv1\.3 \S+, by MTA-STS/);
  expect(text).toContain("the certificate matches none of the host's TLSA records (DANE)");
  expect(text).toContain("no known authority stands behind the certificate");
});

test("the queue lists what waits for a domain", async () => {
  const listed = (await coop.product.cli("queue", "list", "--to-domain", "dane-wrong.test")) as {
    recipients?: unknown[];
  };
  expect(JSON.stringify(listed)).toContain(ids.get("dane-wrong.test"));
});

import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { startCertificateAuthority } from "./certificate.ts";
import { startDns } from "./dns.ts";
import { startOpenDkimSigner, startOpenDkimVerifier } from "./opendkim.ts";
import { startPostfix, startSmtpSink, type Postfix } from "./postfix.ts";
import { freePort, until } from "./process.ts";
import { swaks } from "./swaks.ts";
import { startUnbound } from "./unbound.ts";

const stored = (postfix: Postfix, count: number) =>
  until(`${count} stored messages`, async () => {
    const messages = await postfix.messages();
    return messages.length >= count && messages;
  });

test("Postfix takes mail over STARTTLS, stores it, and refuses what is not its own", async () => {
  await using mx = await startPostfix({
    hostname: "mx.dest.test",
    domains: ["dest.test"],
    unknown: ["nobody", "gone.away"],
  });
  const taken = await swaks("bob@dest.test", mx, "--tls");
  expect(taken.stdout).toContain("TLS started");
  expect(taken.code).toBe(0);
  const [message] = await stored(mx, 1);
  expect(message).toMatch(/^Return-Path: <alice@member\.test>/);
  expect(message).toContain("Delivered-To: bob@dest.test");
  expect(message).toContain("Subject: through swaks");
  expect(message).toMatch(/using TLSv1\.3/);

  for (const name of ["nobody", "gone.away"]) {
    expect((await swaks(`${name}@dest.test`, mx, "--tls")).stdout).toContain("550 5.1.1");
  }
  expect((await swaks("bob@other.test", mx)).stdout).toContain("554 5.7.1");
  expect(await mx.messages()).toHaveLength(1);
  expect(await mx.log()).toContain("status=sent (delivered to maildir)");
});

test("Postfix may know only some mailboxes", async () => {
  await using mx = await startPostfix({ hostname: "mx.dest.test", domains: ["dest.test"], known: ["bob"] });
  expect((await swaks("bob@dest.test", mx)).code).toBe(0);
  expect((await swaks("eve@dest.test", mx)).stdout).toContain("550 5.1.1");
});

test("Postfix as a benchmark peer: AUTH over TLS, two OpenDKIM signatures, delivery by MX through unbound", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const p = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const record = ["v=DKIM1; k=rsa; p=", p.slice(0, 200), p.slice(200)];
  await using dns = await startDns([
    { name: "m._domainkey.member.test", type: "TXT", data: record },
    { name: "p._domainkey.pool.test", type: "TXT", data: record },
    { name: "dest.test", type: "MX", data: { preference: 10, exchange: "mx.dest.test" } },
    { name: "mx.dest.test", type: "A", data: "127.0.0.26" },
  ]);
  await using resolver = await startUnbound({ dns, host: "127.0.0.154", port: 53 });
  await using signer = await startOpenDkimSigner([
    { domain: "member.test", selector: "m", key },
    { domain: "pool.test", selector: "p", key },
  ]);
  await using authority = await startCertificateAuthority();
  await using mx = await startPostfix({
    hostname: "mx.dest.test",
    host: "127.0.0.26",
    port: 25,
    tls: await authority.issue("mx.dest.test"),
    domains: ["dest.test"],
  });
  const smtpsPort = await freePort();
  await using submission = await startPostfix({
    hostname: "relay.pool.test",
    resolver: resolver.host,
    submission: { username: "alice", password: "correct horse" },
    smtpsPort,
    milter: signer.milter,
    trust: authority.certPath,
    settings: { smtp_tls_security_level: "secure" },
  });
  await using verifier = await startOpenDkimVerifier({ nameserver: resolver });
  const login = ["--auth", "PLAIN", "--auth-user", "alice", "--auth-password"];

  expect((await swaks("bob@dest.test", submission, "--tls")).stdout).toContain("554 5.7.1");
  expect((await swaks("bob@dest.test", submission, "--tls", ...login, "wrong")).stdout).toContain(
    "535 5.7.8",
  );
  expect((await swaks("bob@dest.test", submission, "--tls", ...login, "correct horse")).code).toBe(0);
  const implicit = { host: submission.host, port: smtpsPort };
  expect((await swaks("bob@dest.test", implicit, "--tls-on-connect", ...login, "correct horse")).code).toBe(
    0,
  );

  const messages = await stored(mx, 2);
  const results = await verifier.verify(messages[0] ?? "");
  expect(results.map(({ domain, result }) => `${domain} ${result}`).toSorted()).toEqual([
    "member.test pass",
    "pool.test pass",
  ]);
  expect(await submission.log()).toContain("Verified TLS connection established to mx.dest.test");
  expect(await submission.queue()).toEqual([]);
});

test("what cannot be delivered waits in the queue; smtp-sink takes it after a flush", async () => {
  const port = await freePort();
  await using sink = await startSmtpSink();
  await using relay = await startPostfix({
    hostname: "relay.pool.test",
    relayTo: { host: "127.0.0.1", port },
    settings: { mynetworks: "127.0.0.0/8", smtpd_relay_restrictions: "permit_mynetworks, reject" },
  });
  expect((await swaks("bob@dest.test", relay)).code).toBe(0);
  await until("a deferred message", async () => (await relay.log()).includes("status=deferred"));
  expect(await relay.queue()).toMatchObject([{ queue_name: "deferred" }]);

  await using onward = await startPostfix({
    hostname: "relay2.pool.test",
    relayTo: sink,
    settings: { mynetworks: "127.0.0.0/8", smtpd_relay_restrictions: "permit_mynetworks, reject" },
  });
  expect((await swaks("bob@dest.test", onward)).code).toBe(0);
  await until("delivery to the sink", async () => (await onward.log()).includes("status=sent"));
});

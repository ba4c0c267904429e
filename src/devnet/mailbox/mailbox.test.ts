import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createTransport, type SendMailOptions } from "nodemailer";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";
import { afterEach, describe, expect, it } from "vitest";
import { MovableClock } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import { createResolver } from "../../platform/dns/index.ts";
import { createAuthority } from "../certificates.ts";
import { createZones, startDevnetDns } from "../dns.ts";
import { authenticate } from "./authenticate.ts";
import { inboxPages, mailboxMigration, startMailboxProvider } from "./index.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

const NOW = 1_800_000_000_000;
const keys = generateKeyPairSync("rsa", { modulusLength: 1024 });
const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const publicKey = keys.publicKey.export({ type: "spki", format: "der" }).toString("base64");
const signWith = (domainName: string) => ({ domainName, keySelector: "s1", privateKey });

type Collected = { mailFrom: string; to: string; raw: Buffer };

/** The inbound server of the cooperative, as the provider sees it. */
async function startCollector() {
  const mails: Collected[] = [];
  const server = new SMTPServer({
    ...createAuthority().issue(["mx.pool.test"]),
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          mailFrom: mailFrom ? mailFrom.address : "",
          to: rcptTo[0]!.address,
          raw: Buffer.concat(chunks),
        });
        callback();
      });
    },
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  open.push({ close: () => new Promise<void>((done) => server.close(done)) });
  return { mails, port: (server.server.address() as AddressInfo).port };
}

async function sandbox() {
  const zones = createZones();
  const dns = await startDevnetDns({ zones, host: "127.0.0.1", port: 0 });
  open.push(dns);
  const resolver = createResolver({ servers: [`127.0.0.1:${dns.port}`] });
  const authority = createAuthority();
  const db = new Database(":memory:", [mailboxMigration]);
  open.push(db);
  const collector = await startCollector();
  const provider = await startMailboxProvider({
    db,
    clock: new MovableClock(NOW),
    resolver,
    authority,
    domains: [
      { domain: "bigmail.test", mx: "mx.bigmail.test", address: "127.0.0.31" },
      { domain: "post.test", mx: "mx.post.test", address: "127.0.0.32" },
    ],
    port: 0,
    outgoingPort: collector.port,
    slowMs: 50,
  });
  open.push(provider);
  provider.publish(zones);
  zones.addZone("pool.test");
  zones.set("pool.test", "MX", { preference: 1, exchange: "mx.pool.test" });
  zones.set("mx.pool.test", "A", { address: "127.0.0.1" });
  zones.addZone("alder.test");
  zones.set("alder.test", "TXT", { text: "v=spf1 ip4:127.0.0.1 -all" });
  zones.set("_dmarc.alder.test", "TXT", { text: "v=DMARC1; p=reject" });
  for (const domain of ["alder.test", "pool.test"]) {
    zones.set(`s1._domainkey.${domain}`, "TXT", { text: `v=DKIM1; k=rsa; p=${publicKey}` });
  }
  async function send(mail: SendMailOptions & { to: string }) {
    const transport = createTransport({
      host: mail.to.endsWith("post.test") ? "127.0.0.32" : "127.0.0.31",
      port: provider.port,
      name: "out.pool.test",
      tls: {
        ca: authority.cert,
        servername: mail.to.endsWith("post.test") ? "mx.post.test" : "mx.bigmail.test",
      },
      requireTLS: true,
    });
    try {
      return await transport.sendMail({
        from: "no-reply@alder.test",
        subject: "Confirm",
        text: "Your code is 1",
        ...mail,
      });
    } finally {
      transport.close();
    }
  }
  return { zones, resolver, provider, collector, send };
}

describe("mailbox provider", () => {
  it("takes mail over trusted TLS on every MX and records who it is from", async () => {
    const { provider, send } = await sandbox();
    await send({ to: "anna@bigmail.test", dkim: signWith("alder.test") });
    await send({
      to: "Ben@post.test",
      from: "eve@alder.test",
      envelope: { from: "eve@elsewhere.test", to: "Ben@post.test" },
    });
    const [second, first] = provider.inbox.list({}).map((one) => provider.inbox.get(one.id)!);
    expect(first).toMatchObject({
      mailbox: "anna@bigmail.test",
      mailFrom: "no-reply@alder.test",
      headerFrom: "no-reply@alder.test",
      subject: "Confirm",
      receivedAt: NOW,
      tls: expect.stringMatching(/^TLSv1\.3 TLS_/),
      verdicts: {
        dkim: [{ domain: "alder.test", selector: "s1", algorithm: "rsa-sha256", result: "pass" }],
        spf: { result: "pass", domain: "alder.test" },
        dmarc: { result: "pass", domain: "alder.test", policy: "reject" },
      },
    });
    expect(second).toMatchObject({
      verdicts: { dkim: [], spf: { result: "none" }, dmarc: { result: "fail" } },
    });
    expect(provider.inbox.list({ mailbox: "ben@POST.test" })).toHaveLength(1);
  });

  it.each([
    ["bounce1@bigmail.test", ["550 5.1.1"]],
    ["defer@bigmail.test", ["451 4.7.1", "451 4.7.1", "250"]],
    ["full+a@post.test", ["452 4.2.2", "452 4.2.2", "552 5.2.2"]],
    ["slow@post.test", ["250"]],
    ["anna@elsewhere.test", ["550 5.7.1"]],
  ])("answers %s with %j", async (to, replies) => {
    const { send } = await sandbox();
    for (const expected of replies) {
      const reply = await send({ to }).then(
        (sent) => sent.response,
        (error: { response: string }) => error.response,
      );
      expect(reply.startsWith(expected), reply).toBe(true);
    }
  });

  it("hangs up in DATA on `drop`, and keeps nothing", async () => {
    const { provider, send } = await sandbox();
    await expect(send({ to: "drop3@bigmail.test" })).rejects.toMatchObject({
      code: expect.stringMatching(/ECONN|ESOCKET/),
    });
    expect(provider.inbox.count()).toBe(0);
  });

  it("complains about `spam` to the address on file for the pool's signature", async () => {
    const { provider, resolver, collector, send } = await sandbox();
    provider.registerFeedback("pool.test", "fbl@pool.test");
    await send({
      to: "spam@bigmail.test",
      dkim: { ...signWith("alder.test"), keys: [signWith("alder.test"), signWith("pool.test")] } as never,
      headers: { "Feedback-ID": "a:b:c:d" },
    });
    await provider.settle();
    const [mail] = collector.mails;
    expect(mail).toMatchObject({ mailFrom: "feedback@bigmail.test", to: "fbl@pool.test" });
    const parsed = await PostalMime.parse(mail!.raw);
    expect(parsed.headers.find((header) => header.key === "content-type")?.value).toMatch(
      /^multipart\/report; report-type=feedback-report/,
    );
    const text = mail!.raw.toString();
    for (const line of [
      "Feedback-Type: abuse",
      "Reported-Domain: pool.test",
      "Original-Mail-From: <no-reply@alder.test>",
      "Feedback-ID: a:b:c:d",
    ]) {
      expect(text).toContain(`\r\n${line}\r\n`);
    }
    const verdicts = await authenticate(
      {
        raw: mail!.raw,
        client: "127.0.0.31",
        helo: "mx.bigmail.test",
        mailFrom: mail!.mailFrom,
        server: "mx.pool.test",
      },
      resolver,
      NOW,
    );
    expect(verdicts).toMatchObject({
      dkim: [{ result: "pass" }],
      spf: { result: "pass" },
      dmarc: { result: "pass" },
    });
    expect(provider.inbox.get(1)?.note).toBe("Complaint to fbl@pool.test: delivered");
  });

  it("complains about a message that it has when somebody says so", async () => {
    const { provider, collector, send } = await sandbox();
    provider.registerFeedback("alder.test", "fbl@pool.test");
    await send({ to: "anna@bigmail.test", dkim: signWith("alder.test") });
    await provider.settle();
    expect(collector.mails).toEqual([]);
    expect([provider.complain(1), provider.complain(2)]).toEqual([true, false]);
    await provider.settle();
    expect(collector.mails).toHaveLength(1);
    expect(collector.mails[0]!.raw.toString()).toContain("\r\nOriginal-Rcpt-To: <anna@bigmail.test>\r\n");
  });

  it("refuses everybody as unknown at the host that errs, until it does no more", async () => {
    const { provider, send } = await sandbox();
    provider.err("mx.bigmail.test", true);
    await expect(send({ to: "anna@bigmail.test" })).rejects.toThrow(/550 5\.1\.1/);
    await send({ to: "anna@post.test" });
    provider.err("mx.bigmail.test", false);
    await send({ to: "anna@bigmail.test" });
    expect(provider.inbox.count()).toBe(2);
  });

  it("sends a bounce to the return path of `late`, from the null sender", async () => {
    const { provider, collector, send } = await sandbox();
    await send({ to: "late@post.test", envelope: { from: "b+token@pool.test", to: "late@post.test" } });
    await send({ to: "late@post.test", envelope: { from: "", to: "late@post.test" } });
    await provider.settle();
    expect(collector.mails).toHaveLength(1);
    expect(collector.mails[0]).toMatchObject({ mailFrom: "", to: "b+token@pool.test" });
    const text = collector.mails[0]!.raw.toString();
    expect(text).toContain("report-type=delivery-status");
    for (const line of ["Final-Recipient: rfc822; late@post.test", "Action: failed", "Status: 5.1.1"]) {
      expect(text).toContain(`\r\n${line}\r\n`);
    }
  });
});

describe("web inbox", () => {
  it("lists and shows messages, escaped, with every verdict", async () => {
    const { provider, send } = await sandbox();
    const pages = inboxPages({ inbox: provider.inbox, base: "/mail" });
    expect(await (await pages.request("/")).text()).toContain("No mail yet");
    await send({
      to: "anna@bigmail.test",
      subject: "<b>Hi</b>",
      text: "<script>alert(1)</script>",
      html: "<img src=x onerror=y>",
      dkim: signWith("alder.test"),
    });
    const list = await (await pages.request("/?mailbox=anna@bigmail.test")).text();
    expect(list).toContain("&lt;b&gt;Hi&lt;/b&gt;");
    expect(list).toContain('href="/mail/messages/1"');
    const shown = await pages.request("/messages/1");
    const page = await shown.text();
    expect(shown.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page).not.toContain("<script>alert");
    expect(page).not.toContain("<img src=x");
    expect(page).toContain("s=s1 rsa-sha256");
    const raw = await pages.request("/messages/1/raw");
    expect(raw.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(raw.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await pages.request("/messages/99")).status).toBe(404);
    expect(await (await pages.request("/?mailbox=ben@post.test")).text()).toContain("No mail yet");
  });
});

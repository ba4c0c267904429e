import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport, type Transporter } from "nodemailer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts, startSandbox, type Sandbox, type SeedOperator } from "../src/devnet/index.ts";
import { createResolver } from "../src/platform/dns/index.ts";
import { silentLog } from "../src/platform/log.ts";

const operators: SeedOperator[] = [
  { name: "Alder", domain: "alder.test", perDay: 10 },
  { name: "Nettle", domain: "nettle.test", perDay: 10 },
  { name: "Gorse", domain: "gorse.test", perDay: 10, trait: "broken-dmarc" },
];
const now = Date.UTC(2026, 5, 1, 12);

let dir: string;
let sandbox: Sandbox;

const start = async () =>
  startSandbox({
    dir,
    rulesDir: join(import.meta.dirname, "../rules"),
    log: silentLog,
    ports: await freePorts(),
    operators,
    now,
    days: 0,
  });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "atmos-loop-"));
  sandbox = await start();
});
afterAll(async () => {
  await sandbox.close();
  rmSync(dir, { recursive: true });
});

const operator = (domain: string) => sandbox.operators.find((o) => o.domain === domain)!;
const didOf = (domain: string) => sandbox.serve.core!.members.domain(domain)!.did;
const standingOf = (domain: string) => sandbox.serve.core!.standings.state(didOf(domain)).standing;

async function send(from: string, to: string, subject = "Your code"): Promise<string> {
  const { username, secret } = operator(from);
  const transport: Transporter = createTransport({
    host: "127.0.0.1",
    port: sandbox.serve.relay!.addresses.tls[0]!.port,
    secure: true,
    auth: { user: username, pass: secret },
    tls: { ca: sandbox.world.authority.cert, servername: "relay.coop.test" },
  });
  try {
    return (await transport.sendMail({ from: `noreply@${from}`, to, subject, text: "123456" }))
      .response as string;
  } catch (error) {
    return (error as { response?: string }).response ?? String(error);
  } finally {
    transport.close();
  }
}

const zone = () => createResolver({ servers: [`127.0.0.1:${sandbox.config.ZONE_ADDRESS.port}`] });
const listed = async (domain: string) => (await zone().resolve(`${domain}.dwl.wl.coop.test`, "A")).status;

describe("the whole loop, in one process on real sockets", () => {
  test("attestations become labels: sound domains are verified, a broken one is not", async () => {
    const response = await fetch(
      `${sandbox.urls.web}/xrpc/com.atproto.label.queryLabels?uriPatterns=*&limit=250`,
    );
    const { labels } = (await response.json()) as { labels: { uri: string; val: string }[] };
    const verified = labels.filter((l) => l.val === "verified-mail-operator" && l.uri.startsWith("at://"));
    expect(verified.map((l) => l.uri.split("/").at(-1)).sort()).toEqual(["alder.test", "nettle.test"]);
    expect(labels.map((l) => l.val)).not.toContain("warned");
  });

  test("a message arrives, signed by member and pool, with SPF and DMARC aligned", async () => {
    expect(await send("alder.test", "ada@bigmail.test", "Hello Ada")).toMatch(/^250 2\.0\.0/);
    await sandbox.settle();
    const [message] = sandbox.world.mailbox.inbox.list({ mailbox: "ada@bigmail.test" });
    expect(message).toMatchObject({ subject: "Hello Ada" });
    expect(message!.mailFrom).toMatch(/^b\+[a-z2-7]{32}@bounce\.alder\.test$/);
    expect(message!.verdicts.dkim.map((d) => `${d.domain} ${d.algorithm} ${d.result}`).sort()).toEqual([
      "alder.test ed25519-sha256 pass",
      "alder.test rsa-sha256 pass",
      "coop.test rsa-sha256 pass",
    ]);
    expect(message!.verdicts.spf.result).toBe("pass");
    expect(message!.verdicts.dmarc.result).toBe("pass");
    expect(sandbox.world.mailbox.inbox.get(message!.id)!.tls).toMatch(/^TLSv1\.[23]/);
  });

  test("DANE where the recipient's domain has it; another certificate there gets no mail", async () => {
    const { zones, mailbox } = sandbox.world;
    const { port } = sandbox.config.METRICS_ADDRESS;
    const underDane = async () =>
      /^atmos_transports_total\{needed="dane",went="tls"\} (\d+)/m.exec(
        await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
      )?.[1];
    expect(await send("alder.test", "eve@inbox.test", "Pinned")).toMatch(/^250/);
    await sandbox.settle();
    expect(mailbox.inbox.list({ mailbox: "eve@inbox.test" })).toMatchObject([{ subject: "Pinned" }]);
    expect(await underDane()).toBe("1");

    const name = "_25._tcp.mx.inbox.test";
    const [there] = zones.list(name);
    if (there?.type !== "TLSA") throw new Error("inbox.test has no TLSA record");
    zones.set(name, "TLSA", { ...there.data, certificate: Buffer.alloc(32) });
    sandbox.clock.advance(600_000);
    expect(await send("alder.test", "eve@inbox.test", "Not to a stranger")).toMatch(/^250/);
    await sandbox.settle();
    expect(mailbox.inbox.list({ mailbox: "eve@inbox.test" })).toHaveLength(1);
    zones.set(name, "TLSA", there.data);
    sandbox.clock.advance(600_000);
    await sandbox.settle();
    expect(mailbox.inbox.list({ mailbox: "eve@inbox.test" })).toHaveLength(2);
  });

  test("a domain whose authentication is broken is held, and released when it is mended", async () => {
    expect(await send("gorse.test", "bob@post.test", "Held")).toMatch(/^250/);
    await sandbox.settle();
    expect(sandbox.world.mailbox.inbox.list({ mailbox: "bob@post.test" })).toEqual([]);
    sandbox.world.zones.set("_dmarc.gorse.test", "TXT", { text: "v=DMARC1; p=none" });
    const { attestations } = sandbox.serve.labeler!;
    await attestations.checkNow(attestations.byDomain("gorse.test")[0]!.uri);
    await sandbox.settle();
    sandbox.clock.advance(60_000);
    await sandbox.settle();
    expect(sandbox.world.mailbox.inbox.list({ mailbox: "bob@post.test" })).toMatchObject([
      { subject: "Held" },
    ]);
  });

  test("no member sends as another, and nobody without a secret", async () => {
    const { username } = operator("alder.test");
    const attempt = (user: string, pass: string, from: string) =>
      createTransport({
        host: "127.0.0.1",
        port: sandbox.serve.relay!.addresses.tls[0]!.port,
        secure: true,
        auth: { user, pass },
        tls: { ca: sandbox.world.authority.cert, servername: "relay.coop.test" },
      })
        .sendMail({ from, to: "ada@bigmail.test", subject: "x", text: "x" })
        .catch((error: { response: string }) => error.response);
    expect(await attempt(username, "atms_wrong", "noreply@alder.test")).toMatch(/^535 5\.7\.8/);
    expect(await attempt(username, operator("alder.test").secret, "noreply@nettle.test")).toMatch(
      /^5\d\d 5\.7\.1/,
    );
  });

  test("bounces become evidence, a rule speaks, and the standing changes with cause, remedy and way back", async () => {
    for (let i = 0; i < 8 && standingOf("nettle.test") === "good"; i++) {
      // Five within some hours would stop the credential before any rule speaks.
      sandbox.clock.advance(18 * 3_600_000);
      expect(await send("nettle.test", `bounce${i}@bigmail.test`)).toMatch(/^250/);
      await sandbox.settle();
    }
    const [change] = sandbox.serve.core!.standings.changesOf(didOf("nettle.test"));
    expect(change).toMatchObject({
      from: "good",
      to: "warned",
      rule: "BounceWarning",
      cause: "bounce-warning",
    });
    expect(change!.evidence).toMatchObject({
      window: { hard: 7, distinct: 7 },
      thresholds: { p_over_5: 0.99, distinct: 5 },
    });
    expect(change!.remedy).not.toBe("");
    expect(change!.wayBack.at).toBe(change!.at + 14 * 86_400_000);
    const [note] = sandbox.serve.core!.standings.notes.list(didOf("nettle.test"));
    expect(note!.title).toMatch(/warned/);
  });

  test("a complaint comes back by mail and is counted for the member who caused it", async () => {
    await send("alder.test", "spam@bigmail.test");
    await sandbox.settle();
    const { evidence } = sandbox.serve.core!;
    expect(evidence.complaints(didOf("alder.test"), sandbox.clock.now()).complaints).toBe(1);
  });

  test("a bounce that comes after the delivery replaces it", async () => {
    const before = sandbox.serve.core!.evidence.bounces(didOf("alder.test"), sandbox.clock.now());
    await send("alder.test", "late@post.test");
    await sandbox.settle();
    const after = sandbox.serve.core!.evidence.bounces(didOf("alder.test"), sandbox.clock.now());
    expect([after.eligible - before.eligible, after.hard - before.hard]).toEqual([1, 1]);
  });

  test("a greylisted message arrives at a later try", async () => {
    await send("alder.test", "defer@inbox.test");
    for (let i = 0; i < 5; i++) {
      await sandbox.settle();
      sandbox.clock.advance(45 * 60_000);
    }
    await sandbox.settle();
    expect(sandbox.world.mailbox.inbox.list({ mailbox: "defer@inbox.test" })).toHaveLength(1);
  });

  test("the outside sees the same of a warned member as of a good one", async () => {
    const [nettle, alder] = ["nettle.test", "alder.test"].map((d) =>
      sandbox.serve
        .labeler!.labels.active()
        .filter((l) => l.uri.includes(didOf(d)))
        .map((l) => l.val)
        .sort(),
    );
    expect(nettle).toEqual(alder);
    expect([await listed("nettle.test"), await listed("alder.test")]).toEqual(["ok", "ok"]);
    const page = await (await fetch(sandbox.urls.web)).text();
    expect(page).toContain("nettle.test");
    expect(page.toLowerCase()).not.toContain("warned");
  });

  test("private pages are the member's own and the committee's", async () => {
    const path = `/members/${didOf("nettle.test")}`;
    expect((await fetch(sandbox.urls.web + path, { redirect: "manual" })).status).toBe(403);
    const link = new URL(sandbox.urls.committee());
    const login = await fetch(new URL("/login", link), {
      method: "POST",
      redirect: "manual",
      headers: { origin: link.origin },
      body: new URLSearchParams({ token: link.searchParams.get("token")! }),
    });
    const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
    const page = await fetch(sandbox.urls.web + path, { headers: { cookie } });
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).toContain("Confirm addresses before you mail them");
    expect(html).toContain("BounceWarning");
    expect(html).not.toContain("bounce0@bigmail.test");
  });

  test("a suspension reaches the relay within a second, and the allowlist by a negation", async () => {
    expect(await listed("nettle.test")).toBe("ok");
    const began = performance.now();
    await sandbox.serve.core!.decide(didOf("nettle.test"), "suspended", {
      by: "rosa",
      why: "A test",
      remedy: "Nothing",
    });
    while (!(await send("nettle.test", "ada@bigmail.test")).startsWith("550")) {
      expect(performance.now() - began).toBeLessThan(1_000);
    }
    expect(await send("nettle.test", "ada@bigmail.test")).toMatch(/550 5\.7\.1 .*members\/did:plc:/);
    await sandbox.settle();
    expect(await listed("nettle.test")).toBe("nxdomain");
    expect(await listed("alder.test")).toBe("ok");
    const negations = sandbox.serve.labeler!.labels.history(didOf("nettle.test")).filter((l) => l.label.neg);
    expect(negations.length).toBeGreaterThan(0);
    for (const { label } of negations) {
      const said = Object.keys(label).filter((key) => key !== "cid");
      expect(said.sort()).toEqual(["cts", "neg", "sig", "src", "uri", "val", "ver"]);
    }
  });

  test("a member who deletes its attestation sends no more as that domain, and is listed no more", async () => {
    await sandbox.world.repos.deleteRecord(didOf("gorse.test"), "community.email.attestation", "gorse.test");
    await expect.poll(() => sandbox.serve.core!.members.domain("gorse.test")!.status).toBe("held");
    await sandbox.settle();
    expect(await listed("gorse.test")).toBe("nxdomain");
  });

  test("a relay whose spool was lost learns again who may send and who may not", async () => {
    await sandbox.close();
    for (const name of readdirSync(join(dir, "atmos")).filter((f) => f.startsWith("spool.sqlite"))) {
      rmSync(join(dir, "atmos", name), { recursive: true });
    }
    sandbox = await start();
    await sandbox.settle();
    expect(await send("nettle.test", "ada@bigmail.test")).toMatch(/^550 5\.7\.1/);
    expect(await send("alder.test", "ada@bigmail.test")).toMatch(/^250/);
  });

  test("everything is there again after a restart", async () => {
    await send("alder.test", "eve@bigmail.test", "Before the restart");
    await sandbox.close();
    sandbox = await start();
    await sandbox.settle();
    expect(sandbox.world.mailbox.inbox.list({ mailbox: "eve@bigmail.test" })).toHaveLength(1);
    expect(standingOf("nettle.test")).toBe("suspended");
    expect(await listed("nettle.test")).toBe("nxdomain");
    expect(await listed("alder.test")).toBe("ok");
    expect(await send("alder.test", "eve@bigmail.test", "After the restart")).toMatch(/^250/);
  });
});

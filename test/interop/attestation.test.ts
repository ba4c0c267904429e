import { setTimeout as pause } from "node:timers/promises";
import { decodeAll } from "@atproto/lex-cbor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { COLLECTION, startCooperative, tellLogOnFailure } from "./cooperative.ts";
import type { Cooperative, Member } from "./cooperative.ts";
import { queryLabels, verifies, type SaidLabel } from "./labels.ts";
import { startPostfix, type Postfix } from "./servers/postfix.ts";
import { complete, until } from "./servers/process.ts";

/** A consumer of `com.atproto.label.subscribeLabels`, as an AppView is one. */
interface Subscriber {
  labels: { seq: number; label: SaidLabel }[];
  close(): void;
}

let coop: Cooperative;
let member: Member;
let subscriber: Subscriber;
/** The member's own mail host. */
let mailHost: Postfix;

const MAIL_HOST = "127.0.0.26";

beforeAll(async () => {
  coop = await startCooperative();
  mailHost = await startPostfix({
    hostname: "mx.alder.test",
    host: MAIL_HOST,
    port: coop.deliveryPort,
    domains: ["alder.test"],
    tls: await coop.authority.issue("mx.alder.test"),
  });
  subscriber = await subscribe(0);
  member = await coop.join("alder.test", { address: MAIL_HOST });
});
afterAll(async () => {
  subscriber?.close();
  await mailHost?.stop();
  await coop?.stop();
});
tellLogOnFailure(() => coop?.product);

async function subscribe(cursor: number): Promise<Subscriber> {
  const url = `${coop.product.url.replace("http", "ws")}/xrpc/com.atproto.label.subscribeLabels`;
  const socket = new WebSocket(`${url}?cursor=${cursor}`);
  const labels: Subscriber["labels"] = [];
  socket.on("message", (data: Buffer) => {
    const [header, body] = [...decodeAll(data)] as unknown as [
      { op: number; t: string },
      { seq: number; labels: SaidLabel[] },
    ];
    expect(header).toEqual({ op: 1, t: "#labels" });
    for (const label of body.labels) labels.push({ seq: body.seq, label });
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return { labels, close: () => socket.terminate() };
}

const query = (uriPattern: string) => queryLabels(coop, uriPattern);

async function dig(domain: string, type: string): Promise<{ status: string; answers: string[] }> {
  const name = `${domain}.dwl.wl.coop.test`;
  const { stdout } = await complete("dig", [
    "@127.0.0.1",
    "-p",
    String(coop.product.ports.zone),
    name,
    type,
    "+noall",
    "+comments",
    "+answer",
  ]);
  const answers = stdout.split("\n").filter((line) => line.startsWith(`${name}.`));
  return { status: /status: (\w+)/.exec(stdout)?.[1] ?? "", answers };
}

const plain = (label: SaidLabel) => ({ ...label, sig: undefined });

test("the record in the repository is what was written, and the checks passed against the real DNS", async () => {
  const response = await coop.pds.xrpc("com.atproto.repo.getRecord", {
    parameters: { repo: member.did, collection: COLLECTION, rkey: "alder.test" },
  });
  expect(await response.json()).toMatchObject({
    cid: member.attestation.cid,
    value: member.attestation.record,
  });
  const { code, answer } = await coop.product.run(
    "check",
    "alder.test",
    "--did",
    member.did,
    "--pool",
    "coop.test",
    "--resolver",
    `${coop.unbound.host}:${coop.unbound.port}`,
    "--allow-private",
  );
  expect(answer).toMatchObject({ summary: "verified" });
  expect(code).toBe(0);
});

test("the labeler has looked at the member's Postfix, and tells what it saw beside the other checks", async () => {
  const url = `${coop.product.url}/xrpc/community.email.getAttestationStatus?domain=alder.test`;
  type Check = { check: string; status: string; findings: { code: string; observed?: string }[] };
  type Status = { attestations: { summary: string; checks: Check[] }[] };
  const { checks, summary } = await until(
    "the mail host to be looked at",
    async () => {
      // Slower than the limit of the method.
      await pause(2_000);
      const { attestations } = (await (await fetch(url)).json()) as Status;
      return attestations[0]?.checks.some(({ check }) => check === "starttls") && attestations[0];
    },
    90_000,
  );
  expect(checks.find(({ check }) => check === "starttls")).toMatchObject({
    status: "warn",
    findings: [
      {
        code: "starttls-certificate",
        observed: expect.stringMatching(
          new RegExp(
            `^mx\\.alder\\.test \\[${MAIL_HOST}\\]:${coop.deliveryPort}: no known authority stands behind it`,
          ),
        ),
      },
    ],
  });
  expect(summary).toBe("verified");
  const { code, answer } = await coop.product.run(
    "label",
    "explain",
    "alder.test",
    "--url",
    coop.product.url,
  );
  expect([code, JSON.stringify(answer)]).toEqual([0, expect.stringContaining("starttls-certificate")]);
  expect(await mailHost.log()).toMatch(/TLSv1\.3 with cipher/);
});

test("atmos doctor finds the labeler as the PLC directory knows it", async () => {
  const { answer } = await coop.product.run("doctor", "--env", coop.product.envFile);
  const findings = answer["findings"] as { probe: string; status: string }[];
  expect(findings.filter(({ status }) => status === "fail")).toEqual([]);
  const labeler = findings.filter(({ probe }) => probe.startsWith("labeler"));
  expect(labeler.map(({ probe, status }) => `${probe}: ${status}`)).toEqual([
    "labeler key: ok",
    "labeler address: ok",
  ]);
});

describe("labels", () => {
  test("the record is labelled, by its version, and the account as operator and member", async () => {
    const record = await query(member.attestation.uri);
    expect(record.map(plain)).toEqual([
      {
        ver: 1,
        src: coop.labelerDid,
        uri: member.attestation.uri,
        cid: member.attestation.cid,
        val: "verified-mail-operator",
        cts: expect.any(String),
        exp: expect.any(String),
      },
    ]);
    const account = await query(member.did);
    expect(account.map(({ val }) => val).toSorted()).toEqual([
      "relay-member",
      "verified-mail-operator",
      "verified-member",
    ]);
  });

  test("each signature of queryLabels verifies by the key in the real PLC directory, and changed it does not", async () => {
    const labels = await query("*");
    expect(labels).toHaveLength(4);
    for (const label of labels) {
      expect(label.src).toBe(coop.labelerDid);
      expect(label.sig).toHaveLength(64);
      expect(await verifies(coop, label)).toBe(true);
      expect(await verifies(coop, { ...label, val: "clean-sender" })).toBe(false);
      expect(await verifies(coop, { ...label, neg: true })).toBe(false);
    }
  });

  test("subscribeLabels brought the same labels live, and brings them again from cursor 0", async () => {
    const queried = await query("*");
    await until("four labels on the open connection", () => subscriber.labels.length >= 4);
    const again = await subscribe(0);
    await until("four labels from the start", () => again.labels.length >= 4);
    again.close();
    for (const { labels } of [subscriber, again]) {
      const key = ({ uri, val }: SaidLabel) => `${uri} ${val}`;
      const sorted = (all: SaidLabel[]) => all.toSorted((a, b) => key(a).localeCompare(key(b))).map(plain);
      expect(sorted(labels.map(({ label }) => label))).toEqual(sorted(queried));
      for (const { label } of labels) expect(await verifies(coop, label)).toBe(true);
      const sequence = labels.map(({ seq }) => seq);
      expect(sequence).toEqual([...new Set(sequence)].toSorted((a, b) => a - b));
    }
  });
});

describe("the allowlist and the end", () => {
  test("dig finds the domain in the zone, directly and through unbound", async () => {
    const a = await until("the domain in the zone", async () => {
      const found = await dig("alder.test", "A");
      return found.status === "NOERROR" && found;
    });
    expect(a.answers.join()).toMatch(/\sIN\s+A\s+127\.0\.\d+\.\d+$/);
    expect((await dig("alder.test", "TXT")).answers.join()).toContain(member.attestation.uri);
    expect((await dig("nettle.test", "A")).status).toBe("NXDOMAIN");
    const { stdout } = await complete("dig", [
      `@${coop.unbound.host}`,
      "+short",
      "alder.test._vouch.wl.coop.test",
      "TXT",
    ]);
    expect(stdout).toBe('"transaction"\n');
  });

  test("the record is deleted in the PDS: a negation on the open connection, and no reason", async () => {
    const before = subscriber.labels.length;
    await coop.pds.deleteRecord(member.session, COLLECTION, "alder.test");
    const negations = await until("the negations", () => {
      const news = subscriber.labels.slice(before).map(({ label }) => label);
      return news.some(({ uri }) => uri === member.attestation.uri) && news.length >= 2 && news;
    });
    for (const label of negations) {
      expect(label).toMatchObject({ neg: true, val: "verified-mail-operator", src: coop.labelerDid });
      expect(
        Object.keys(label)
          .filter((key) => key !== "cid")
          .toSorted(),
      ).toEqual(["cts", "neg", "sig", "src", "uri", "val", "ver"]);
      expect(await verifies(coop, label)).toBe(true);
    }
    expect(negations.map(({ uri }) => uri).toSorted()).toEqual(
      [member.attestation.uri, member.did].toSorted(),
    );
    const active = (await query("*")).filter(({ neg }) => neg !== true).map(({ val }) => val);
    expect(active.toSorted()).toEqual(["relay-member", "verified-member"]);
  });

  test("dig finds it no more", async () => {
    await until("NXDOMAIN", async () => (await dig("alder.test", "A")).status === "NXDOMAIN");
    const { stdout } = await complete("dig", [`@${coop.unbound.host}`, "alder.test.dwl.wl.coop.test", "A"]);
    expect(stdout).toContain("status: NXDOMAIN");
    expect((await dig("test", "A")).status).toBe("NOERROR");
  });
});

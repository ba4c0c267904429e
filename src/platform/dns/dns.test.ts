import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import { decode, encode } from "dns-packet";
import { afterEach, describe, expect, it } from "vitest";
import { createResolver } from "./resolver.ts";
import { startDnsServer, type DnsQuestion, type DnsReply, type DnsServer } from "./server.ts";
import { lengthPrefixed } from "./exchange.ts";
import { mailauthResolver } from "../../protocol/dns/index.ts";
import { isAskable, parseServer, type DnsRecord } from "./wire.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function serve(answer: (question: DnsQuestion) => DnsReply | Promise<DnsReply>): Promise<DnsServer> {
  const server = await startDnsServer({ host: "127.0.0.1", port: 0, answer });
  open.push(server);
  return server;
}

const ok = (...answers: DnsRecord[]): DnsReply => ({ status: "ok", answers, authoritative: true });
const txt = (name: string, text: string): DnsRecord => ({ name, type: "TXT", ttl: 60, data: { text } });
const to = (server: DnsServer, more: { timeoutMs?: number; tries?: number } = {}) =>
  createResolver({ servers: [`127.0.0.1:${server.port}`], ...more });

const reply = (id: number, name: string, address: string) =>
  encode({
    type: "response",
    id,
    flags: 1 << 5,
    questions: [{ name, type: "A" }],
    answers: [{ name, type: "A", ttl: 1, data: address }],
  });

function datagram(server: DnsServer, message: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.on("message", (data) => {
      socket.close();
      resolve(data);
    });
    socket.send(message, server.port, "127.0.0.1");
  });
}

describe("resolver against server", () => {
  it("carries every record type there and back", async () => {
    const all: DnsRecord[] = [
      { name: "a.test", type: "A", ttl: 60, data: { address: "192.0.2.1" } },
      { name: "a.test", type: "AAAA", ttl: 60, data: { address: "2001:db8::1" } },
      { name: "a.test", type: "MX", ttl: 60, data: { preference: 10, exchange: "mx.test" } },
      { name: "a.test", type: "NS", ttl: 60, data: { target: "ns.test" } },
      { name: "a.test", type: "PTR", ttl: 60, data: { target: "host.test" } },
      {
        name: "a.test",
        type: "SOA",
        ttl: 60,
        data: { mname: "ns.test", rname: "h.test", serial: 7, minimum: 9 },
      },
      {
        name: "a.test",
        type: "TLSA",
        ttl: 60,
        data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from("ab", "hex") },
      },
      txt("a.test", "v=DKIM1; p=" + "A".repeat(600)),
    ];
    const server = await serve(({ type }) => ok(...all.filter((record) => record.type === type)));
    const resolver = to(server);
    for (const record of all) {
      const answer = await resolver.resolve("A.test.", record.type);
      const records = answer.status === "ok" ? answer.records : [];
      expect(records, record.type).toMatchObject([{ ...record.data, ttl: 60 }]);
    }
  });

  it("tells nxdomain, nodata and no answer apart", async () => {
    const server = await serve(({ name }) => {
      if (name === "broken.test") throw new Error("a bug");
      const status = name === "none.test" ? "nxdomain" : name === "refused.test" ? "refused" : "nodata";
      return { status, answers: [], authoritative: true };
    });
    const resolver = to(server);
    expect(await resolver.resolve("none.test", "A")).toEqual({ status: "nxdomain", authentic: false });
    expect(await resolver.resolve("empty.test", "A")).toEqual({ status: "nodata", authentic: false });
    expect(await resolver.resolve("broken.test", "A")).toMatchObject({
      status: "temperror",
      detail: /SERVFAIL/,
    });
    expect(await resolver.resolve("refused.test", "A")).toMatchObject({ status: "temperror" });
    expect(await resolver.resolve("x".repeat(64) + ".test", "A")).toMatchObject({ status: "nxdomain" });
  });

  it("falls back to TCP when UDP is truncated", async () => {
    const texts = Array.from({ length: 30 }, (_, i) => txt("big.test", `${i} ${"x".repeat(200)}`));
    const server = await serve(() => ok(...texts));
    const answer = await to(server).resolve("big.test", "TXT");
    expect(answer).toMatchObject({ status: "ok" });
    expect(answer.status === "ok" && answer.records.map((record) => record.text)).toEqual(
      texts.map((record) => record.type === "TXT" && record.data.text),
    );
  });

  it("gives the records at the end of a CNAME chain only", async () => {
    const server = await serve(() =>
      ok(
        { name: "a.test", type: "CNAME", ttl: 1, data: { target: "b.test" } },
        txt("b.test", "right"),
        txt("elsewhere.test", "poison"),
      ),
    );
    expect(await to(server).resolve("a.test", "TXT")).toEqual({
      status: "ok",
      authentic: false,
      canonical: "b.test",
      records: [{ text: "right", ttl: 60 }],
    });
  });

  it("keeps many questions at once apart", async () => {
    const server = await serve(async ({ name }) => {
      await new Promise((done) => setImmediate(done));
      return ok(txt(name, name));
    });
    const resolver = to(server);
    const names = Array.from({ length: 500 }, (_, i) => `n${i}.test`);
    const answers = await Promise.all(names.map((name) => resolver.resolve(name, "TXT")));
    expect(answers.map((answer) => answer.status === "ok" && answer.records[0]?.text)).toEqual(names);
  });
});

describe("resolver against hostile and dead servers", () => {
  it("passes over forged replies and takes the true one, with its AD bit", async () => {
    const socket = createSocket("udp4");
    open.push({ close: () => new Promise<void>((done) => socket.close(done)) });
    await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
    socket.on("message", (data, from) => {
      const query = decode(data);
      expect(query.additionals?.[0]).toMatchObject({ type: "OPT", flag_do: true });
      const id = query.id!;
      for (const forged of [
        reply((id + 1) & 0xffff, "a.test", "6.6.6.6"),
        reply(id, "b.test", "6.6.6.6"),
        Buffer.from("no dns"),
      ]) {
        socket.send(forged, from.port, from.address);
      }
      socket.send(reply(id, "a.test", "192.0.2.1"), from.port, from.address);
    });
    const resolver = createResolver({ servers: [`127.0.0.1:${socket.address().port}`], tries: 1 });
    expect(await resolver.resolve("a.test", "A")).toEqual({
      status: "ok",
      authentic: true,
      records: [{ address: "192.0.2.1", ttl: 1 }],
    });
  });

  it("asks the next server when one is silent, and says so when all are", async () => {
    const silent = createSocket("udp4");
    open.push({ close: () => new Promise<void>((done) => silent.close(done)) });
    await new Promise<void>((done) => silent.bind(0, "127.0.0.1", done));
    const dead = `127.0.0.1:${silent.address().port}`;
    const server = await serve(({ name }) => ok(txt(name, "alive")));
    const both = createResolver({ servers: [dead, `127.0.0.1:${server.port}`], timeoutMs: 30, tries: 2 });
    expect(await both.resolve("a.test", "TXT")).toMatchObject({ status: "ok" });
    const none = createResolver({ servers: [dead], timeoutMs: 20, tries: 2 });
    expect(await none.resolve("a.test", "TXT")).toEqual({
      status: "temperror",
      kind: "timeout",
      detail: `${dead}: no answer within 20 ms`,
    });
  });
});

describe("server", () => {
  it("truncates at 512 octets for a client without EDNS", async () => {
    const server = await serve(({ name }) => ok(txt(name, "x".repeat(600))));
    const plain = decode(
      await datagram(server, encode({ type: "query", id: 1, questions: [{ name: "a.test", type: "TXT" }] })),
    );
    expect(plain).toMatchObject({ flag_tc: true, flag_aa: true, answers: [], id: 1 });
  });

  it.each([
    [
      "garbage after a header",
      Buffer.concat([Buffer.from("beef01000001000000000000", "hex"), Buffer.from([0xff])]),
      1,
    ],
    [
      "another opcode",
      encode({ type: "query", id: 2, flags: 4 << 11, questions: [{ name: "a.test", type: "SOA" }] }),
      4,
    ],
    [
      "two questions",
      encode({
        type: "query",
        id: 3,
        questions: [
          { name: "a.test", type: "A" },
          { name: "b.test", type: "A" },
        ],
      }),
      1,
    ],
    [
      "another class",
      encode({ type: "query", id: 4, questions: [{ name: "a.test", type: "A", class: "CH" }] }),
      5,
    ],
  ])("answers %s with the right code", async (_, message, rcode) => {
    const server = await serve(({ name }) => ok(txt(name, "x")));
    const raw = await datagram(server, message);
    expect(raw.readUInt16BE(0)).toBe(message.readUInt16BE(0));
    expect(raw[3]! & 0xf).toBe(rcode);
  });

  it("answers several questions on one TCP connection, in order, however the octets arrive", async () => {
    const server = await serve(({ name }) => ok(txt(name, name)));
    const names = ["a.test", "b.test", "c.test"];
    const stream = Buffer.concat(
      names.map((name, id) =>
        lengthPrefixed(encode({ type: "query", id, questions: [{ name, type: "TXT" }] })),
      ),
    );
    const socket = createConnection(server.port, "127.0.0.1");
    open.push({ close: () => socket.destroy() });
    for (const octet of stream) socket.write(Buffer.from([octet]));
    let received: Buffer = Buffer.alloc(0);
    const seen: string[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        seen.push(decode(received.subarray(2, end)).questions![0]!.name);
        received = received.subarray(end);
      }
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(names);
  });
});

describe("mailauthResolver", () => {
  it("speaks as Node's resolver does", async () => {
    const server = await serve(({ name, type }) => {
      if (name === "none.test") return { status: "nxdomain", answers: [], authoritative: true };
      if (type === "TXT") return ok(txt(name, "v=spf1 -all"));
      return { status: "nodata", answers: [], authoritative: true };
    });
    const ask = mailauthResolver(to(server));
    expect(await ask("a.test", "TXT")).toEqual([["v=spf1 -all"]]);
    await expect(ask("a.test", "A")).rejects.toMatchObject({ code: "ENODATA" });
    await expect(ask("none.test", "MX")).rejects.toMatchObject({ code: "ENOTFOUND" });
  });
});

describe("names and addresses", () => {
  it.each([
    ["a.test", true],
    ["_dmarc.a.test.", true],
    ["", false],
    ["a..test", false],
    ["ä.test", false],
    [`${"x".repeat(63)}.test`, true],
    [`${"x".repeat(64)}.test`, false],
    [`${"a.".repeat(127)}test`, false],
  ])("isAskable(%s) is %s", (name, expected) => expect(isAskable(name)).toBe(expected));

  it("reads IPv4 and IPv6 servers, and refuses what is neither", () => {
    expect(parseServer("127.0.0.1:53")).toEqual({ host: "127.0.0.1", port: 53 });
    expect(parseServer("[::1]:5353")).toEqual({ host: "::1", port: 5353 });
    expect(() => parseServer("127.0.0.1")).toThrow(/host:port/);
    expect(() => parseServer("a:0")).toThrow(/host:port/);
  });
});

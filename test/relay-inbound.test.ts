import { createConnection, type Socket } from "node:net";
import { connect } from "node:tls";
import { once } from "node:events";
import { createTransport } from "nodemailer";
import { afterEach, describe, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import type { Incoming, Received } from "../src/feedback/index.ts";
import { silentLog } from "../src/platform/log.ts";
import type { Resolver } from "../src/protocol/dns/index.ts";
import { INBOUND_RATES } from "../src/relay/inbound/guard.ts";
import { startInbound, type Inbound, type InboundOptions } from "../src/relay/inbound/index.ts";

const tls = createAuthority().issue(["127.0.0.1"]);
const nothing: Resolver = { resolve: async () => ({ status: "nxdomain", authentic: false }) };
const sockets: Socket[] = [];
let inbound: Inbound;
let received: Incoming[] = [];
afterEach(async () => {
  received = [];
  for (const socket of sockets.splice(0)) socket.destroy();
  await inbound.close();
});

const taken: Received = { outcome: "ignored", why: "delayed" };
const start = async (outcomes: Record<string, Received>, options: Partial<InboundOptions> = {}) =>
  void (inbound = await startInbound({
    address: { host: "127.0.0.1", port: 0 },
    hostname: "in.test",
    tls,
    feedback: {
      async admit(address) {
        if (address === "broken@in.test") throw new Error("the spool is gone");
        return address in outcomes
          ? {
              ok: true,
              maxBytes: address.startsWith("dmarc@") ? 10 * 1024 * 1024 : 1024 * 1024,
              people: address.startsWith("abuse@"),
            }
          : { ok: false, code: 550, enhanced: "5.1.1", text: "Nobody" };
      },
      async receive(mail) {
        received.push(mail);
        return outcomes[mail.to]!;
      },
    },
    resolver: nothing,
    log: silentLog,
    ...options,
  }));

function open(): Socket {
  const socket = createConnection(inbound.address.port, "127.0.0.1").setEncoding("latin1");
  sockets.push(socket);
  return socket.on("error", () => undefined);
}

/** Sends the lines, and resolves with what was said once it matches `until` or the connection ends. */
async function say(lines: string[], until: RegExp): Promise<string> {
  const socket = open();
  let said = "";
  const done = Promise.withResolvers<void>();
  socket.on("data", (text: string) => {
    said += text;
    if (until.test(said)) done.resolve();
  });
  socket.on("close", () => done.resolve());
  await once(socket, "data");
  socket.write(Buffer.from(lines.join("\r\n") + "\r\n", "latin1"));
  await done.promise;
  return said;
}

const to = (...addresses: string[]) => [
  "EHLO mx.test",
  "MAIL FROM:<>",
  ...addresses.map((address) => `RCPT TO:<${address}>`),
  "DATA",
];
const ANSWERED = /\r\n354[^]*\r\n[245]/;
const answer = (said: string) => said.slice(said.indexOf("354 ")).split("\r\n")[1];
const refused = (code: number): Received => ({
  outcome: "refused",
  why: "x",
  code,
  enhanced: `${String(code)[0]}.7.1`,
  text: "Not here",
});

test.each<[string, Received, RegExp]>([
  ["taken", { outcome: "bounced", recipientId: "r" }, /^250 /],
  ["that changes nothing", taken, /^250 /],
  ["before our own commit", { outcome: "too-early", recipientId: "r" }, /^451 4\.2\.0 The delivery/],
  ["with no room", { outcome: "full" }, /^452 4\.3\.1/],
  ["that one of two refuses", refused(550), /^250 /],
  ["that one of two puts off", refused(451), /^451 4\.7\.1 Not here/],
])("a report %s", async (_name, outcome, reply) => {
  await start({ "b@in.test": outcome, "c@in.test": { outcome: "kept-for-people", entry: 1 } });
  expect(answer(await say([...to("b@in.test", "c@in.test"), "Subject: x", "", "x", "."], ANSWERED))).toMatch(
    reply,
  );
});

test("what everybody refuses is refused with the words, and nothing is sent back", async () => {
  await start({ "b@in.test": refused(550) });
  expect(answer(await say([...to("b@in.test"), "Subject: x", "", "x", "."], ANSWERED))).toBe(
    "550 5.7.1 Not here",
  );
});

test.each([
  ["a stranger", "x@in.test", /^550 5\.1\.1 Nobody/m],
  ["somebody while the spool is gone", "broken@in.test", /^451 4\.3\.0/m],
])("a recipient that is %s", async (_, address, reply) => {
  await start({});
  expect(await say(["EHLO mx.test", "MAIL FROM:<>", `RCPT TO:<${address}>`, "QUIT"], /^221 /m)).toMatch(
    reply,
  );
});

test.each([
  ["a full spool", { full: true }, /^452 4\.3\.1/],
  ["a full disk below the inbox", { errcode: 13 }, /^452 4\.3\.1/],
  ["anything else", {}, /^451 4\.3\.0/],
])("%s is no acknowledgement", async (_, fault, reply) => {
  await start(
    {},
    {
      feedback: {
        admit: async () => ({ ok: true, maxBytes: 1_000 }),
        receive: () => Promise.reject(Object.assign(new Error("disk"), fault)),
      },
    },
  );
  expect(answer(await say([...to("b@in.test"), "Subject: x", "", "x", "."], ANSWERED))).toMatch(reply);
});

describe("commands", () => {
  test.each([
    ["VRFY postmaster", /^252 /m],
    ["EXPN list", /^502 /m],
    ["AUTH PLAIN AGEAYg==", /^5\d\d /m],
    ["MAIL FROM:<a@b.test> NONSENSE=1", /^555 /m],
    ["MAIL FROM:<> SIZE=99999999", /^552 /m],
    ["MAIL FROM:<é@b.test>", /^5\d\d /m],
    ["RCPT TO:<b@in.test>", /^503 /m],
    ["DATA", /^503 /m],
  ])("%s", async (line, reply) => {
    await start({ "b@in.test": taken });
    expect(await say(["EHLO mx.test", line, "QUIT"], /^221 /m)).toMatch(reply);
  });

  test("EHLO offers STARTTLS, PIPELINING, 8BITMIME, SMTPUTF8 and SIZE, and no DSN", async () => {
    await start({});
    const said = await say(["EHLO mx.test", "QUIT"], /^221 /m);
    for (const word of [
      "STARTTLS",
      "PIPELINING",
      "8BITMIME",
      "SMTPUTF8",
      "SIZE 10485760",
      "ENHANCEDSTATUSCODES",
    ])
      expect(said).toContain(word);
    expect(said).not.toMatch(/250.DSN|AUTH/);
  });

  test("a whole conversation in one piece is answered in order", async () => {
    await start({ "b@in.test": taken });
    const said = await say([...to("b@in.test"), "Subject: x", "", "x", ".", "QUIT"], /^221 /m);
    expect([...said.matchAll(/^(\d{3}) /gm)].map(([, code]) => code)).toEqual([
      "220",
      "250",
      "250",
      "250",
      "354",
      "250",
      "221",
    ]);
  });
});

test("STARTTLS with TLS 1.2 or newer; what was said in clear before it is forgotten", async () => {
  await start({ "b@in.test": taken });
  const transport = createTransport({
    host: "127.0.0.1",
    port: inbound.address.port,
    requireTLS: true,
    tls: { rejectUnauthorized: false, minVersion: "TLSv1.2" },
  });
  await transport.sendMail({
    from: "",
    to: "b@in.test",
    subject: "x",
    text: "x",
    envelope: { from: "", to: "b@in.test" },
  });
  expect(received).toHaveLength(1);
  const socket = open();
  await once(socket, "data");
  socket.write("EHLO mx.test\r\n");
  await once(socket, "data");
  // A command behind STARTTLS in the same packet is an injection (CVE-2011-0411).
  socket.write("STARTTLS\r\nMAIL FROM:<evil@x.test>\r\n");
  await once(socket, "data");
  socket.removeAllListeners("data").setEncoding();
  const secure = connect({ socket, rejectUnauthorized: false });
  const result = await Promise.race([
    once(secure, "secureConnect").then(async () => {
      secure.write("RCPT TO:<b@in.test>\r\n");
      const [chunk] = (await once(secure, "data")) as [Buffer];
      return chunk.toString();
    }),
    once(socket, "close").then(() => "closed"),
    once(secure, "error").then(() => "closed"),
  ]);
  expect(result).toMatch(/^503|^closed/);
});

describe("content", () => {
  test.each([
    ["a dot between bare LFs", "x\n.\nMAIL FROM:<a@b>\n", /^550 5\.6\.0/],
    ["a dot between LF and CRLF", "x\n.\r\nMAIL FROM:<a@b>", /^550 5\.6\.0/],
    ["a dot between CRLF and LF", "x\r\n.\nMAIL FROM:<a@b>", /^550 5\.6\.0/],
    ["a dot between CRs", "x\r.\rMAIL FROM:<a@b>", /^550 5\.6\.0/],
    ["a dot between CRLF and CR", "x\r\n.\rMAIL FROM:<a@b>", /^550 5\.6\.0/],
    ["NUL", "a\0b", /^550 5\.6\.0/],
    ["a bare LF and no dot", "a\nb", /^250 /],
    ["a dot that was doubled", "a\r\n..\r\nb", /^250 /],
    ["octets over 127", "a\xe9\xff", /^250 /],
  ])("with %s", async (_, body, reply) => {
    await start({ "b@in.test": taken });
    expect(answer(await say([...to("b@in.test"), "Subject: x", "", body, "."], ANSWERED))).toMatch(reply);
  });

  test("with a header of a field on thousands of lines, which takes a parser a minute", async () => {
    await start({ "b@in.test": taken });
    const folds = Array.from({ length: 60_000 }, () => " x");
    expect(answer(await say([...to("b@in.test"), "Subject: x", ...folds, "", "x", "."], ANSWERED))).toMatch(
      /^550 5\.6\.0 .*2000 lines/,
    );
  });

  test("that went in circles", async () => {
    await start({ "b@in.test": taken });
    const hops = Array.from({ length: 31 }, (_, i) => `Received: from h${i}\r\n\tby h${i + 1}; now`);
    expect(answer(await say([...to("b@in.test"), ...hops, "", "x", "."], ANSWERED))).toMatch(/^554 5\.4\.6/);
  });

  test.each<[string, string, number, RegExp]>([
    ["a bounce of 1.5 MiB", "b@in.test", 1.5, /^552 5\.3\.4/],
    ["a report of 1.5 MiB", "dmarc@in.test", 1.5, /^250 /],
  ])("of %s", async (_, address, mib, reply) => {
    await start({ "b@in.test": taken, "dmarc@in.test": taken });
    const lines = Array.from({ length: (mib * 1024 * 1024) / 64 }, () => "x".repeat(62));
    expect(answer(await say([...to(address), "Subject: x", "", ...lines, "."], ANSWERED))).toMatch(reply);
  });

  test("a report does not make room for itself at an address of bounces", async () => {
    const outcomes = { "b@in.test": taken, "dmarc@in.test": taken };
    await start(outcomes);
    const lines = Array.from({ length: 24_576 }, () => "x".repeat(62));
    await say([...to("dmarc@in.test", "b@in.test"), "Subject: x", "", ...lines, "."], ANSWERED);
    expect(received.map((mail) => mail.to)).toEqual(["dmarc@in.test"]);
  });
});

describe("attacks", () => {
  test("a report that drips in is ended", async () => {
    await start({ "b@in.test": { outcome: "full" } }, { dataMs: 150 });
    expect(await say([...to("b@in.test"), "Subject: x"], /^421 /m)).toMatch(
      /^421 4\.4\.2 The report took too long/m,
    );
  });

  test("50 MB of DATA are not read to the end", async () => {
    await start({ "b@in.test": taken });
    const socket = open();
    const ended = once(socket, "close");
    await once(socket, "data");
    socket.write(to("b@in.test").join("\r\n") + "\r\n");
    const piece = Buffer.alloc(64 * 1024, "x\r\n");
    let sent = 0;
    socket.on("drain", more);
    function more() {
      while (sent < 50e6 && socket.writable) {
        sent += piece.length;
        if (!socket.write(piece)) return;
      }
    }
    more();
    await ended;
    expect(sent).toBeLessThan(30e6);
    expect(received).toEqual([]);
  });

  test("mails that come in together take no more memory than there is", async () => {
    await start({ "b@in.test": taken }, { maxInHand: 700_000 });
    const half = Array.from({ length: 8_000 }, () => "x".repeat(62));
    const first = open();
    await once(first, "data");
    first.write(`${[...to("b@in.test"), "Subject: x", "", ...half].join("\r\n")}\r\n`);
    await expect.poll(() => first.writableLength).toBe(0);
    expect(answer(await say([...to("b@in.test"), "Subject: x", "", ...half, "."], ANSWERED))).toMatch(
      /^452 4\.3\.1 Too much/,
    );
    first.write(".\r\n");
    await expect.poll(() => received.length).toBe(1);
    expect(answer(await say([...to("b@in.test"), "Subject: x", "", ...half, "."], ANSWERED))).toMatch(/^250/);
  });

  test("without room on the disk MAIL is put off, before anything is sent", async () => {
    let room = false;
    await start({ "b@in.test": taken }, { room: () => room });
    const mail = ["EHLO mx.test", "MAIL FROM:<>", "QUIT"];
    expect(await say(mail, /^221 /m)).toMatch(/^452 4\.3\.1 No room/m);
    room = true;
    expect(await say(mail, /^221 /m)).not.toMatch(/^452/m);
  });

  test("of 200 connections at once so many are served as an address may have, and it goes on", async () => {
    await start({ "b@in.test": taken }, { rates: { ...INBOUND_RATES, connections: wide } });
    const greetings = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const socket = open();
        const [text] = (await Promise.race([
          once(socket, "data"),
          once(socket, "close").then(() => [""]),
        ])) as [string];
        return text.slice(0, 3);
      }),
    );
    expect(greetings.filter((code) => code === "220")).toHaveLength(50);
    expect(new Set(greetings)).toEqual(new Set(["220", "421"]));
    for (const socket of sockets.splice(0)) socket.destroy();
    await expect
      .poll(() => say([...to("b@in.test"), "", "x", ".", "QUIT"], /^221 |^421 /m), { timeout: 5_000 })
      .toMatch(/^221 /m);
  });

  test("who tries address after address is sent away, with its neighbours", async () => {
    const few = { address: { limit: 3, periodMs: 3_600_000, burst: 3 }, network: wide.network };
    await start({ "b@in.test": taken }, { rates: { ...INBOUND_RATES, strangers: few } });
    const guesses = Array.from({ length: 10 }, (_, i) => `RCPT TO:<guess${i}@in.test>`);
    const said = await say(["EHLO mx.test", "MAIL FROM:<>", ...guesses, "QUIT"], /^421 |^221 /m);
    expect(said.match(/^550 /gm)).toHaveLength(3);
    expect(said).toMatch(/^421 4\.7\.0 Too much/m);
    expect(await say(["EHLO mx.test"], /^250|^421/m)).toMatch(/^421 /m);
  });

  test("so many mails an hour from one address", async () => {
    const two = { address: { limit: 2, periodMs: 3_600_000, burst: 2 }, network: wide.network };
    await start({ "b@in.test": taken }, { rates: { ...INBOUND_RATES, messages: two } });
    const mails = Array.from({ length: 3 }, () => [...to("b@in.test").slice(1), "Subject: x", "", "x", "."]);
    for (const [i, mail] of mails.entries()) {
      const said = await say(["EHLO mx.test", ...mail, "QUIT"], /^221 /m);
      expect(said.includes("451 4.7.0")).toBe(i === 2);
    }
    expect(received).toHaveLength(2);
  });

  test("nobody fills the committee's inbox alone, and reports come all the same", async () => {
    const one = { address: { limit: 1, periodMs: 3_600_000, burst: 1 }, network: wide.network };
    await start(
      { "b@in.test": taken, "abuse@in.test": { outcome: "kept-for-people", entry: 1 } },
      { rates: { ...INBOUND_RATES, letters: one } },
    );
    const mail = [...to("abuse@in.test"), "Subject: x", "", "x", "."];
    expect(answer(await say(mail, ANSWERED))).toMatch(/^250 /);
    expect(await say(mail, /^[45]\d\d /m)).toMatch(/^451 4\.7\.0 Too much mail/m);
    expect(answer(await say([...to("b@in.test"), "Subject: x", "", "x", "."], ANSWERED))).toMatch(/^250 /);
  });

  test("an address has so many connections", async () => {
    await start({}, { maxPerAddress: 1 });
    expect(await say(["EHLO mx.test"], /^250 /m)).toMatch(/^220 /);
    expect(await say(["EHLO mx.test"], /^421 /m)).toMatch(/^421 4\.7\.0 Too many connections/);
  });
});

const wide = {
  address: { limit: 100_000, periodMs: 60_000, burst: 100_000 },
  network: { limit: 100_000, periodMs: 60_000, burst: 100_000 },
};

describe("authentication", () => {
  test("is recorded with the mail", async () => {
    const resolver: Resolver = {
      resolve: async (name, type) =>
        (type === "TXT" && name === "mx.test"
          ? { status: "ok", authentic: false, records: [{ text: "v=spf1 ip4:127.0.0.1 -all", ttl: 60 }] }
          : { status: "nxdomain", authentic: false }) as never,
    };
    await start({ "b@in.test": taken }, { resolver });
    await say([...to("b@in.test"), "From: a@mx.test", "Subject: x", "", "x", "."], ANSWERED);
    const { authentication } = received[0]!;
    expect(authentication.spf).toEqual({ result: "pass", domain: "mx.test" });
    expect(authentication.results).toMatch(/spf=pass/);
  });

  test.each<[string, Resolver]>([
    ["that says nothing", { resolve: async () => ({ status: "temperror", detail: "timeout" }) }],
    ["that never answers", { resolve: () => new Promise(() => undefined) }],
    ["that fails", { resolve: () => Promise.reject(new Error("no socket")) }],
  ])("by a resolver %s keeps no mail out", async (_, resolver) => {
    await start({ "b@in.test": taken }, { resolver, authenticateMs: 100 });
    expect(answer(await say([...to("b@in.test"), "From: a@mx.test", "", "x", "."], ANSWERED))).toMatch(
      /^250 /,
    );
    expect(received[0]!.authentication.spf.result).toBe("temperror");
  });
});

import { connect } from "node:tls";
import { once } from "node:events";
import { createTransport } from "nodemailer";
import { describe, expect, test } from "vitest";
import type { Received } from "../src/feedback/index.ts";
import type { Resolver } from "../src/protocol/dns/index.ts";
import {
  answer,
  ANSWERED,
  inbound,
  open,
  received,
  refused,
  say,
  start,
  taken,
  to,
  useInbound,
} from "./inbound-server.ts";

useInbound();

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

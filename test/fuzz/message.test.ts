import { domainToASCII } from "node:url";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import addressparser from "nodemailer/lib/addressparser";
import PostalMime from "postal-mime";
import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../src/breaker/index.ts";
import { pick, type Random } from "../../src/devnet/random.ts";
import { parseHeader, valueOf } from "../../src/protocol/dkim/index.ts";
import { prepareHeader } from "../../src/relay/submission/header.ts";
import { createIntake } from "../../src/relay/submission/intake.ts";
import { domainOfMailbox } from "../../src/relay/submission/mailbox.ts";
import { fuzz, mutate, pieces, TOKENS } from "./fuzz.ts";

const octets = (text: string) => Buffer.from(text, "utf8").toString("latin1");

const FROM = [
  "a@member.test",
  "A B <a@member.test>",
  '"B, A" <a@member.test>',
  '"eve@evil.test" <a@member.test>',
  "a@member.test (A (known as B))",
  "=?utf-8?q?=C3=84?= <a@member.test>",
  "group: a@member.test;",
  octets("Jürgen <jürgen@münchen.test>"),
];
const BODIES = [
  "Your code is 123456.\r\n",
  "",
  '--b\r\nContent-Type: text/html\r\n\r\n<a href="https://a.test/?x=1">Click</a> &amp; <!-- x -->\r\n--b--\r\n',
  "PGEgaHJlZj0naHR0cHM6Ly9ldmlsLnRlc3QnPkNsaWNrPC9hPg==\r\n",
];
const SEEDS = FROM.flatMap((from) =>
  BODIES.map(
    (body) =>
      `Received: from [10.0.0.1] by a.test; now\r\nFrom: ${from}\r\nTo: b@c.test,\r\n d@e.test\r\nSubject: Hello\r\n` +
      `Bcc: x@y.test\r\nContent-Type: ${body.startsWith("--") ? "multipart/mixed; boundary=b" : "text/plain"}\r\n\r\n${body}`,
  ),
);

const context = {
  id: "abcdefghijklmnop",
  token: "tok",
  hostname: "relay.pool.test",
  protocol: "ESMTPSA",
  smtpUtf8: true,
  now: Date.UTC(2026, 0, 1),
  handle: "m7",
  region: "eu",
  sender: "atmos",
};

/** Ms for `size` octets: linear. */
const bound = (size: number) => 50 + size / 250;

/** The result of `work`, which takes no longer than the bound: of the processor, for the machine has other work too. */
async function timely<T>(what: string, size: number, work: () => T | Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const started = process.threadCpuUsage();
    const result = await work();
    const { user, system } = process.threadCpuUsage(started);
    const took = (user + system) / 1000;
    if (took <= bound(size)) return result;
    if (attempt === 3) throw new Error(`${what} of ${size} octets took ${Math.round(took)} ms`);
  }
}

function takeIn(parts: Buffer[]) {
  const intake = createIntake(25 * 1024 * 1024);
  for (const part of parts) intake.push(part);
  return intake.end();
}

/** Whom a message is from, as three parsers of mail programs read its header. */
async function readers(head: Buffer): Promise<Record<string, string[]>> {
  const from = parseHeader(head.toString("latin1")).filter(({ name }) => name === "from");
  const text = from.map((field) => Buffer.from(valueOf(field), "latin1").toString("utf8")).join();
  const mail = await PostalMime.parse(head);
  const { headerFrom } = await dkimVerify(head, { resolver: async () => [] });
  return {
    nodemailer: addressparser(text, { flatten: true }).map(({ address }) => address),
    "postal-mime": [mail.from?.address ?? ""],
    mailauth: headerFrom,
  };
}

/** Where the last label is a number, URLs know no name. */
function domainOf(address: string): string {
  const name = address.slice(address.lastIndexOf("@") + 1).trim();
  return (domainToASCII(name) || name).toLowerCase();
}

async function examine(message: string, random: Random): Promise<"taken" | "refused"> {
  const raw = Buffer.from(message, "latin1");
  const size = raw.length;
  const parts = pieces(random, raw);
  const taken = await timely("intake", size + parts.length * 50, () => takeIn(parts));
  await timely("fingerprint", size, () => fingerprintOf(raw));
  if ("refusal" in taken) {
    expect(taken.refusal.text).toMatch(/ \[[a-z-]+\]$/);
    return "refused";
  }
  // The same, however it was cut.
  expect(takeIn([raw])).toEqual(taken);
  const prepared = await timely("header", taken.head.length, () => prepareHeader(taken.head, context));
  if ("refusal" in prepared) {
    expect(prepared.refusal.text).toMatch(/ \[[a-z-]+\]$/);
    return "refused";
  }
  const head = Buffer.from(prepared.head);
  expect(head.toString("latin1")).not.toMatch(/[^\r]\n|\r[^\n]|\0|^bcc:/im);
  for (const [reader, addresses] of Object.entries(await readers(head))) {
    expect({ reader, domains: addresses.map(domainOf) }).toEqual({ reader, domains: [prepared.fromDomain] });
  }
  return "taken";
}

/** A fuzzer that is always taken, or always refused, has looked at nothing: it goes on until the test's time is up. */
const bothSides = (seen: { taken: number; refused: number }) => () => seen.taken > 20 && seen.refused > 20;

describe("whatever a message is made of", () => {
  test(
    "it is refused, or everybody reads the same sender; in time that grows with its size",
    { timeout: 600_000 },
    async () => {
      const seen = { taken: 0, refused: 0 };
      await fuzz(
        "messages",
        2,
        async (random) => {
          const message = mutate(random, pick(random, SEEDS), SEEDS);
          seen[await examine(message, random)]++;
        },
        bothSides(seen),
      );
    },
  );

  test("the From field, changed by itself", { timeout: 600_000 }, async () => {
    const seen = { taken: 0, refused: 0 };
    await fuzz(
      "From fields",
      2,
      async (random) => {
        const from = mutate(random, pick(random, FROM), FROM, 2_000).replaceAll(/\r\n(?![ \t])/g, "\r\n ");
        seen[await examine(`From: ${from}\r\nTo: b@c.test\r\n\r\n`, random)]++;
      },
      bothSides(seen),
    );
  });

  test("each token many times over, in each place", { timeout: 60_000 }, async () => {
    const places: ((many: string) => string)[] = [
      (many) => `From: ${many} <a@member.test>\r\n\r\n`,
      (many) => `From: a@member.test\r\nReceived: ${many}\r\n\r\n`,
      (many) => `From: a@member.test\r\nContent-Type: text/html${many}\r\nSubject: ${many}\r\n\r\n${many}`,
      (many) => `From: a@member.test\r\nContent-Type: text/html\r\n\r\n${many}`,
    ];
    for (const token of TOKENS) {
      const many = token.repeat(Math.floor(30_000 / token.length));
      await timely(`domainOfMailbox of ${JSON.stringify(token)}`, many.length, () => domainOfMailbox(many));
      for (const place of places) {
        const raw = Buffer.from(place(many), "latin1");
        await timely(`fingerprint of ${JSON.stringify(token)}`, raw.length, () => fingerprintOf(raw));
        const head = raw.subarray(0, raw.lastIndexOf("\r\n\r\n") + 4);
        await timely(`header of ${JSON.stringify(token)}`, head.length, () => prepareHeader(head, context));
      }
    }
  });

  test("a control: where a second sender is let through, the readers differ", async () => {
    const head = Buffer.from("From: eve@evil.test, a@member.test\r\n\r\n");
    const seen = Object.values(await readers(head)).map((addresses) => addresses.map(domainOf).join());
    expect(seen).not.toEqual(seen.map(() => "member.test"));
    expect(prepareHeader(head, context)).toHaveProperty("refusal");
  });
});

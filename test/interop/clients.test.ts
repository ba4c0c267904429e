import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  POOL_HOST,
  startCooperative,
  tellLogOnFailure,
  type Cooperative,
  type Member,
} from "./cooperative.ts";
import { MAIL_CLIENTS, type Attempt, type MailClient, type Outcome } from "./servers/mail-clients.ts";
import { until } from "./servers/process.ts";
import { startSink, type Copy, type Sink } from "./sink.ts";

const MAILBOXES = "127.0.0.28";
const CLIENTS = Object.entries(MAIL_CLIENTS) as [string, MailClient][];
/** UTF-8 in a body that says so, a line that begins with a dot, and white space at the end of one. */
const BODY = "Grüße aus Malmö \u2013 8 Bit\r\n.\r\n..two dots\r\ntrailing  \r\n";

let coop: Cooperative;
let sink: Sink;
let member: Member;
let suspended: Member;
let numbered = 0;

beforeAll(async () => {
  coop = await startCooperative();
  sink = await startSink(
    { host: MAILBOXES, port: coop.deliveryPort },
    await coop.authority.issue("mx.sink.test"),
  );
  coop.receives("sink.test", MAILBOXES);
  member = await coop.join("alder.test", { address: MAILBOXES });
  suspended = await coop.join("birch.test", { address: MAILBOXES });
  const why = ["--by", "rosa", "--why", "Test of clients"];
  await coop.product.cli("member", "standing", suspended.did, "suspended", ...why);
});
afterAll(async () => {
  await coop?.stop();
  await sink?.stop();
});
tellLogOnFailure(() => coop?.product);

function attempt(by: Member, id: string, to: string[], change: Partial<Attempt> = {}): Attempt {
  const { mode = "implicit" } = change;
  const { tls, starttls } = coop.product.ports;
  const lines = [
    `From: ${by.domain} <noreply@${by.domain}>`,
    `To: ${to.join(", ")}`,
    "Subject: Through a client",
    `Message-ID: <${id}@${by.domain}>`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    BODY,
  ];
  return {
    host: "127.0.0.1",
    port: mode === "implicit" ? tls : starttls,
    name: POOL_HOST,
    caPath: coop.authority.certPath,
    mode,
    method: "PLAIN",
    username: by.username,
    secret: by.secret,
    from: `noreply@${by.domain}`,
    to,
    message: Buffer.from(lines.join("\r\n"), "utf8"),
    ...change,
  };
}

const newId = () => `client-${++numbered}`;

async function arrived(id: string, count: number): Promise<Copy[]> {
  const copies = () => sink.byMessageId(`${id}@alder.test`);
  await until(`${count} copies of ${id}`, () => copies().length >= count);
  return copies();
}

function expectWords({ sent, words }: Outcome, reason: RegExp): void {
  expect(words).toMatch(reason);
  expect(sent).toBe(false);
}

describe.each(CLIENTS)("%s", (name, send) => {
  test.each([
    ["implicit", "PLAIN"],
    ["implicit", "LOGIN"],
    ["starttls", "PLAIN"],
    ["starttls", "LOGIN"],
  ] as const)("%s TLS, AUTH %s: an 8-bit body arrives as it was", async (mode, method) => {
    const id = newId();
    const { sent, words } = await send(attempt(member, id, ["reader@sink.test"], { mode, method }));
    expect({ sent, words }).toMatchObject({ sent: true });
    const [copy] = await arrived(id, 1);
    expect(copy!.raw.subarray(copy!.raw.indexOf("\r\n\r\n") + 4).toString("utf8")).toBe(BODY);
  });

  test("several recipients have a copy each, and a return path each", async () => {
    const id = newId();
    const to = ["a@sink.test", "b@sink.test", "c@sink.test"];
    expect(await send(attempt(member, id, to))).toMatchObject({ sent: true });
    const copies = await arrived(id, 3);
    expect(copies.map((copy) => copy.to).toSorted()).toEqual(to);
    expect(new Set(copies.map(({ from }) => from)).size).toBe(3);
  });

  test("one refused recipient is named with our reason; the others get it where the client goes on", async () => {
    const id = newId();
    const to = ["a@sink.test", "nobody@unqualified", "b@sink.test"];
    const { sent, words } = await send(attempt(member, id, to, { mode: "starttls" }));
    // Go's Client.Rcpt is an error, and programs stop there; curl shows replies only with --verbose.
    expect(words).toMatch(/recipient is not an address at a domain \[malformed\]/);
    expect(sent).toBe(name !== "Go's net/smtp");
    const copies = sent ? await arrived(id, 2) : [];
    expect(copies.map((copy) => copy.to).toSorted()).toEqual(sent ? ["a@sink.test", "b@sink.test"] : []);
  });

  test("a wrong secret", async () => {
    const wrong = attempt(member, newId(), ["reader@sink.test"], { secret: `${member.secret}x` });
    expectWords(await send(wrong), /535[ -]5\.7\.8 User name or secret is wrong \[auth\]|\b535\b.*\[auth\]/);
  });

  test("a suspended member is told so, with where to read why", async () => {
    const outcome = await send(attempt(suspended, newId(), ["reader@sink.test"]));
    expectWords(outcome, /5\.7\.\d.*\[suspended\]/);
    expect(outcome.words).toMatch(/https?:\/\//);
  });
});

test("nothing came of what was refused", () => {
  expect(sink.copies.filter(({ messageId }) => messageId.endsWith("@birch.test"))).toEqual([]);
});

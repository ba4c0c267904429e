import { Command, Option } from "commander";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inboxCommands } from "../src/cli/inbox.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand } from "./run-command.ts";

let opened: Awaited<ReturnType<typeof openSandbox>>;
/** The header of a mail of alder.test, as its recipient sees it. */
let header: string;
beforeAll(async () => {
  opened = await openSandbox();
  const { sandbox } = opened;
  await sandbox.settle();
  const { username, secret } = sandbox.operators[0]!;
  const transport = createTransport({
    host: "127.0.0.1",
    port: sandbox.serve.relay!.addresses.tls[0]!.port,
    secure: true,
    auth: { user: username, pass: secret },
    tls: { ca: sandbox.world.authority.cert, servername: "relay.coop.test" },
  });
  await transport.sendMail({ from: "noreply@alder.test", to: "ada@bigmail.test", subject: "Win", text: "!" });
  transport.close();
  await sandbox.settle();
  const { inbox } = sandbox.world.mailbox;
  const [mail] = inbox.list({ mailbox: "ada@bigmail.test" });
  header = Buffer.from(inbox.get(mail!.id)!.raw).toString().split("\r\n\r\n", 1)[0]!;
}, 60_000);
afterAll(() => opened.close());

type Asked = { status: number; html: string; text: string; url: string };
async function page(path: string, fields?: Record<string, string>, site = "same-origin"): Promise<Asked> {
  const response = await fetch(new URL(path, opened.sandbox.urls.web), {
    headers: { "sec-fetch-site": site },
    ...(fields && { method: "POST", body: new URLSearchParams(fields) }),
  });
  const html = await response.text();
  const text = html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  return { status: response.status, html, text, url: response.url };
}
const paste = (text: string) => page("/allowlist/mail", { header: text });
const referenceIn = ({ html }: Asked) => /name="reference" value="([a-z2-7]{26})"/.exec(html)?.[1];
const report = (fields: Record<string, string>, site?: string) =>
  page("/allowlist/report", { reference: "a".repeat(26), kind: "spam", header, ...fields }, site);

/** `atmos inbox ...` */
async function cli(...args: string[]): Promise<Record<string, unknown>> {
  const { code, text } = await runCommand(async () => {
    let exit = -1;
    const program = new Command().exitOverride();
    inboxCommands(program, {
      env: () => new Option("--env <file>").default(opened.env),
      json: () => new Option("--json").default(true),
      run:
        (command) =>
        async (...given) =>
          void (exit = await command(...given)),
    });
    await program.parseAsync(["inbox", ...args], { from: "user" });
    return exit;
  });
  expect(code).toBe(0);
  return JSON.parse(text) as Record<string, unknown>;
}

test("who got a mail pastes its header, sees who sent it, reports it, and sees what becomes of it", async () => {
  const pasted = await paste(header);
  expect(pasted.text).toMatch(/Its own domain signed it, and is listed/);
  expect(pasted.text).toMatch(
    /It left through this pool: its mark is genuine, and of a mail that alder\.test handed in/,
  );
  const reference = referenceIn(pasted)!;
  const words = "Nobody asked for <this>";
  const made = await report({ reference, kind: "spam", words, answerTo: "ada@bigmail.test" });
  expect(new URL(made.url).pathname).toBe(`/allowlist/report/${reference}`);
  expect(made.text).toMatch(/Waiting.*Signed by alder\.test, coop\.test/);
  expect(made.html).not.toMatch(/Nobody asked|ada@bigmail|did:plc/);
  // Sent again, as browsers do: it is the same report.
  expect((await report({ reference, kind: "spam", words })).status).toBe(200);
  const { entries } = (await cli("list", "--folder", "abuse")) as {
    entries: { id: number; subject: string }[];
  };
  expect(entries).toMatchObject([
    { subject: "Abuse reported (spam): From alder.test, signed by alder.test, coop.test" },
  ]);
  const id = String(entries[0]!.id);
  const did = opened.sandbox.serve.core!.members.domain("alder.test")!.did;
  expect(await cli("show", id)).toMatchObject({
    entry: {
      abuse: { message: { did } },
      text: expect.stringContaining(words) as string,
      replyTo: "ada@bigmail.test",
    },
  });
  await cli("assign", id, "rosa", "--by", "paul");
  expect((await page(`/allowlist/report?reference=${reference.toUpperCase()}`)).text).toMatch(
    /Somebody looks into it/,
  );
  await cli("answer", id, "acted", "--words", "It will not happen again", "--by", "rosa");
  const answered = await page(`/allowlist/report/${reference}`);
  expect(answered.text).toMatch(/Acted on .*It will not happen again/);
  expect(answered.text).not.toMatch(/rosa|paul/);
});

test("a mark that was copied below other names is the mark of who sent it, and a made-up one is none", async () => {
  const forged = header.replaceAll("alder.test", "bank.test");
  expect((await paste(forged)).text).toMatch(/of a mail that alder\.test handed in/);
  const changed = forged
    .replace(/^(X-Atmos-Message: ..)./im, "$1x")
    .replace(/^Return-Path:.*\r\n/im, "")
    .replaceAll("coop.test", "pool.example");
  const pasted = await paste(changed);
  expect(pasted.text).toMatch(/No member signed it, and it carries no mark of ours/);
  expect(referenceIn(pasted)).toBeUndefined();
  expect(await report({ reference: "b".repeat(26), header: changed })).toMatchObject({
    status: 400,
    text: expect.stringMatching(/No member signed this mail/) as string,
  });
});

test.each<[string, Record<string, string>, number, RegExp]>([
  ["without a header", { header: "hello" }, 400, /That is no header/],
  ["without a kind", { kind: "" }, 400, /Say what kind of abuse/],
  ["with a reference of its own making", { reference: "x" }, 400, /Say what kind/],
  ["with no address", { answerTo: "nobody" }, 400, /an address that exists or none/],
  ["of a book", { words: "x".repeat(2_001) }, 400, /2000 characters/],
])("a report %s is not taken, and what was typed stays", async (_, fields, status, why) => {
  const given = { reference: "c".repeat(26), ...fields };
  const said = await report({ words: "typed words", ...given });
  expect([said.status, why.test(said.text)]).toEqual([status, true]);
  if (fields["words"] === undefined && fields["header"] === undefined)
    expect(said.html).toContain("typed words");
  expect((await page(`/allowlist/report/${given.reference}`)).status).toBe(404);
});

test("a report from another site's page changes nothing, and an unknown reference tells nothing", async () => {
  expect((await report({ reference: "d".repeat(26) }, "cross-site")).status).toBe(403);
  expect((await page(`/allowlist/report/${"d".repeat(26)}`)).text).toMatch(/No report has this reference/);
  expect((await page("/allowlist/report")).status).toBe(404);
  expect((await page("/allowlist/report/%3Cscript%3E")).html).not.toContain("<script>");
});

test("one client makes five at once, and is told where to write then", async () => {
  const said: number[] = [];
  for (let i = 0; i < 6; i++)
    said.push((await report({ reference: `${"e".repeat(25)}${"abcdef"[i]}` })).status);
  expect(said.filter((status) => status === 429).length).toBeGreaterThan(0);
  const last = await report({ reference: "f".repeat(26) });
  expect([last.status, last.text]).toMatchObject([429, expect.stringMatching(/abuse@coop\.test/)]);
});

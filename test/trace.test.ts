import { afterAll, beforeAll, expect, test } from "vitest";
import { suppressionAdd } from "../src/cli/suppression.ts";
import { trace } from "../src/cli/trace.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand } from "./run-command.ts";

let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;

beforeAll(async () => {
  const operators = [
    { name: "Alder", domain: "alder.test", perDay: 10 },
    { name: "Gorse", domain: "gorse.test", perDay: 10 },
  ];
  ({ env, sandbox, close } = await openSandbox({ operators }));
});
afterAll(() => close());

const didOf = (domain: string) => sandbox.serve.core!.members.domain(domain)!.did;

async function send(from: string, to: string[]): Promise<string> {
  const { username, secret } = sandbox.operators.find(({ domain }) => domain === from)!;
  const response = await fetch(`${sandbox.urls.web}/v1/messages`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({
      from: `noreply@${from}`,
      to,
      subject: "Your code",
      text: "123",
      category: "login-link",
    }),
  });
  expect(response.status).toBe(202);
  const { id } = (await response.json()) as { id: string };
  const spool = sandbox.serve.relay!.spool;
  const isOver = async () => (await spool.message(id))!.recipients.every(({ attempts }) => attempts > 0);
  await expect.poll(isOver, { timeout: 10_000 }).toBe(true);
  return id;
}

test("what happened to mail for one person: of all members, of one, and of nobody else in it", async () => {
  const first = await send("alder.test", ["ada@bigmail.test", "ben@bigmail.test"]);
  const second = await send("gorse.test", ["ada@bigmail.test"]);
  const bounced = await send("alder.test", ["bounce1@bigmail.test"]);

  const all = await runCommand(() => trace("ADA@bigmail.test", { env }));
  expect(all.code).toBe(0);
  expect(all.text).toMatch(new RegExp(`${second} from gorse.test[^]*${first} from alder.test`));
  expect(all.text).toMatch(/delivered, \d+s after it was handed in\n.* 250 /);
  expect(all.text).not.toContain("ben@");

  const own = await runCommand(() => trace("ada@bigmail.test", { env, member: didOf("gorse.test") }));
  expect(own.text).toContain(second);
  expect(own.text).not.toContain(first);

  const json = await runCommand(() => trace("bounce1@bigmail.test", { env, json: true }));
  const told = JSON.parse(json.text) as { messages: { id: string; recipients: { state: string }[] }[] };
  expect(told.messages).toMatchObject([
    { id: bounced, recipients: [{ state: "bounced" }], attempts: [{ code: 550, permanent: true }] },
  ]);
});

test("what keeps mail away stands above", async () => {
  const about = { env, did: didOf("alder.test"), by: "rosa", streams: "all" };
  await runCommand(() => suppressionAdd("cleo@bigmail.test", about));
  const { code, text } = await runCommand(() => trace("cleo@bigmail.test", { env }));
  expect(code).toBe(0);
  expect(text).toMatch(/^Suppressed \(manual, all\), for did:\S+, since .*\n.*No message to this address/);
});

test("nothing known is exit code 1; what is no address says so", async () => {
  const { code, text } = await runCommand(() => trace("nobody@bigmail.test", { env }));
  expect(code).toBe(1);
  expect(text).toContain("never handed in");
  await expect(trace("nobody", { env })).rejects.toThrow(/not an address/);
});

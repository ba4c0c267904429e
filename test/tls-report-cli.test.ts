import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { doctor } from "../src/cli/doctor/index.ts";
import { tlsReportList, tlsReportShow } from "../src/cli/tls-report.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";

let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ env, sandbox, close } = await openSandbox({ now: Date.UTC(2026, 5, 1, 12) }));
});
afterAll(async () => {
  vi.restoreAllMocks();
  await close();
});

async function run(command: () => Promise<number>): Promise<{ code: number; text: string }> {
  let text = "";
  const written = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const code = await command();
  written.mockRestore();
  return { code, text };
}

async function send(to: string): Promise<void> {
  const [{ username, secret }] = sandbox.operators as [(typeof sandbox.operators)[0]];
  const transport = createTransport({
    host: "127.0.0.1",
    port: sandbox.serve.relay!.addresses.tls[0]!.port,
    secure: true,
    auth: { user: username, pass: secret },
    tls: { ca: sandbox.world.authority.cert, servername: "relay.coop.test" },
  });
  await transport.sendMail({ from: "noreply@alder.test", to, subject: "Your code", text: "123456" });
  transport.close();
  await sandbox.settle();
}

test("the sandbox's provider gets its report, and atmos tls-report and doctor tell of it", async () => {
  expect((await run(() => tlsReportList({ env }))).text).toContain("No TLS session is counted.");
  await send("ada@bigmail.test");
  const shown = await run(() => tlsReportShow("BigMail.test", { env }));
  expect(shown.text).toMatch(/^2026-06-01 {2}no report is due yet\n {2}\S.*: 1 succeeded, 0 failed\n/);

  sandbox.clock.advanceTo(Date.UTC(2026, 5, 2, 5));
  const { inbox } = sandbox.world.mailbox;
  await expect
    .poll(async () => {
      await sandbox.settle();
      return inbox.list({ mailbox: "tls-reports@bigmail.test" }).length;
    })
    .toBe(1);
  const [report] = inbox.list({ mailbox: "tls-reports@bigmail.test" });
  expect(report).toMatchObject({
    mailFrom: "",
    headerFrom: "postmaster@coop.test",
    subject: expect.stringMatching(
      /^Report Domain: bigmail\.test Submitter: coop\.test Report-ID: <20260601\.[a-z2-7]{16}@relay\.coop\.test>$/,
    ),
    verdicts: { dmarc: { result: "pass" } },
  });
  sandbox.clock.advance(20 * 60_000);
  await expect.poll(() => sandbox.serve.relay!.reports!.overview().reports[0]?.state).toBe("sent");

  const list = await run(() => tlsReportList({ env }));
  expect(list.code).toBe(0);
  expect(list.text).toMatch(/^2026-06-01 +1 +1 +0$/m);
  expect(list.text).toMatch(/^2026-06-01 +bigmail\.test +sent +1 +tls-reports@bigmail\.test$/m);
  const { text } = await run(() => tlsReportShow("bigmail.test", { env, json: true }));
  expect(JSON.parse(text)).toMatchObject({
    on: true,
    domain: "bigmail.test",
    days: [{ day: "2026-06-01", report: { state: "sent", sentTo: "tls-reports@bigmail.test" } }],
  });
  expect((await run(() => tlsReportShow("nobody.test", { env }))).text).toBe(
    "Nothing is counted for nobody.test.\n",
  );
  const { text: found } = await run(() => doctor({ env, json: true }));
  expect((JSON.parse(found) as { findings: object[] }).findings).toContainEqual({
    probe: "tls-report",
    status: "ok",
    text: "1 of the latest reports were taken, none was given up",
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createTransport } from "nodemailer";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { reportImport, reportList, reportShow } from "../src/cli/report.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";

const dir = mkdtempSync(join(tmpdir(), "atmos-report-"));
let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ env, sandbox, close } = await openSandbox({ now: Date.UTC(2026, 5, 1, 12) }));
});
afterAll(async () => {
  vi.restoreAllMocks();
  await close();
  rmSync(dir, { recursive: true });
});

async function run(command: () => Promise<number>) {
  let text = "";
  const written = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const code = await command();
  written.mockRestore();
  return { code, text };
}

const show = async (domain = "alder.test") =>
  JSON.parse((await run(() => reportShow(domain, { env, json: true, days: "30" }))).text) as {
    sources: Record<"ours" | "aligned" | "unaligned", { ip: string; messages: number; aligned: number }[]>;
    reports: { organization: string; provenBy: string; messages: number }[];
    tls: { failure: string; sessions: number }[];
  };

async function sendThroughPool(): Promise<void> {
  const [{ username, secret }] = sandbox.operators as [(typeof sandbox.operators)[0]];
  const transport = createTransport({
    host: "127.0.0.1",
    port: sandbox.serve.relay!.addresses.tls[0]!.port,
    secure: true,
    auth: { user: username, pass: secret },
    tls: { ca: sandbox.world.authority.cert, servername: "relay.coop.test" },
  });
  await transport.sendMail({
    from: "noreply@alder.test",
    to: "bea@bigmail.test",
    subject: "Code",
    text: "1",
  });
  transport.close();
  await sandbox.settle();
}

/** A report that a host of nobody hands in, from an address that nothing proves unless `localAddress` does. */
async function report(mail: { from: string; to: string; xml: string }, localAddress = "127.0.0.66") {
  const { host, port } = sandbox.serve.relay!.addresses.inbound;
  const transport = createTransport({ host, port, localAddress, tls: { rejectUnauthorized: false } });
  const { from, to, xml } = mail;
  await transport.sendMail({
    from,
    to,
    subject: "Report",
    text: "Attached",
    attachments: [{ filename: "r.xml.gz", content: gzipSync(xml), contentType: "application/gzip" }],
  });
  transport.close();
  await sandbox.settle();
}

const aggregate = (
  id: string,
  domain: string,
  rows: [string, number, "pass" | "fail"][],
  organization = "Elsewhere",
) =>
  `<feedback><report_metadata><org_name>${organization}</org_name><report_id>${id}</report_id>
   <date_range><begin>${Date.UTC(2026, 4, 31) / 1000}</begin><end>${Date.UTC(2026, 5, 1) / 1000 - 1}</end></date_range></report_metadata>
   <policy_published><domain>${domain}</domain><p>none</p></policy_published>${rows
     .map(
       ([ip, count, result]) =>
         `<record><row><source_ip>${ip}</source_ip><count>${count}</count><policy_evaluated><disposition>none</disposition>
          <dkim>${result}</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>${domain}</header_from></identifiers></record>`,
     )
     .join("")}</feedback>`;

test("the provider reports a day later: the pool's mail, and who pretends, stand apart", async () => {
  await sendThroughPool();
  expect((await run(() => reportList({ env, days: "30" }))).text).toContain("Nobody reported");
  sandbox.clock.advanceTo(Date.UTC(2026, 5, 2, 1));
  await sendThroughPool();
  await expect.poll(async () => (await show()).reports.length).toBe(1);
  const { sources, reports } = await show();
  expect(reports).toMatchObject([{ organization: "bigmail.test", provenBy: "bigmail.test", messages: 5 }]);
  expect(sources.ours).toMatchObject([
    { ip: expect.stringMatching(/^127\.0\.0\.2\d$/), messages: 1, aligned: 1 },
  ]);
  expect(sources.unaligned).toMatchObject([{ ip: "127.0.0.66", messages: 4, aligned: 0 }]);
  const events = sandbox.serve.core!.events.recent(200).filter(({ action }) => action === "report_received");
  expect(events).toHaveLength(1);
  expect(events[0]!.envelope.data.data).toMatchObject({
    member: { domain: "alder.test" },
    detail: { kind: "dmarc", messages: 5, aligned: 1, ours: 1, proven_by: "bigmail.test" },
  });
});

test("what nothing proves is listed and counts nowhere; what is about a stranger is dropped", async () => {
  const before = await show();
  const xml = aggregate("forged", "alder.test", [["192.0.2.9", 1_000_000, "fail"]]);
  await report({ from: "dmarc@bigmail.test", to: "dmarc@coop.test", xml });
  await report({
    from: "dmarc@bigmail.test",
    to: "dmarc@coop.test",
    xml: aggregate("x", "stranger.test", [["192.0.2.9", 1, "fail"]]),
  });
  const after = await show();
  expect(after.sources).toEqual(before.sources);
  expect(after.reports).toHaveLength(before.reports.length + 1);
  expect(after.reports.find(({ organization }) => organization === "Elsewhere")).toMatchObject({
    provenBy: "",
  });
  const { text } = await run(() => reportList({ env, days: "30" }));
  expect(text).toMatch(/^alder\.test +1 +5 +4 +0 +0 +1$/m);
  expect(text).not.toContain("stranger");
});

test("atmos report import reads what an operator has: XML, gzip, TLS reports, each once", async () => {
  const files = {
    "report.xml": aggregate("i-1", "news.alder.test", [["192.0.2.7", 12, "pass"]]),
    "report.xml.gz": gzipSync(aggregate("i-2", "alder.test", [["192.0.2.8", 3, "fail"]])),
    "tls.json": JSON.stringify({
      "organization-name": "Elsewhere",
      "report-id": "t-1",
      "date-range": { "start-datetime": "2026-05-31T00:00:00Z", "end-datetime": "2026-05-31T23:59:59Z" },
      policies: [
        {
          policy: { "policy-type": "sts", "policy-domain": "alder.test" },
          summary: { "total-successful-session-count": 9, "total-failure-session-count": 2 },
          "failure-details": [{ "result-type": "certificate-expired", "failed-session-count": 2 }],
        },
      ],
    }),
    "letter.txt": "Dear all,\n\nno report.\n",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  const paths = Object.keys(files).map((name) => join(dir, name));
  const first = await run(() => reportImport([...paths, join(dir, "missing")], { env, by: "rosa" }));
  expect(first.code).toBe(1);
  expect(first.text).toMatch(/report\.xml: alder\.test: counted \(12\)/);
  expect(first.text).toMatch(/report\.xml\.gz: alder\.test: counted \(3\)/);
  expect(first.text).toMatch(/tls\.json: alder\.test: counted \(11\)/);
  expect(first.text).toMatch(/letter\.txt: No DMARC or TLS report/);
  expect(first.text).toMatch(/missing: It cannot be read \(ENOENT\)/);
  const again = await run(() => reportImport(paths.slice(0, 3), { env, by: "rosa" }));
  expect(again.code).toBe(0);
  expect(again.text.match(/known already/g)).toHaveLength(3);
  const { sources, tls } = await show();
  expect(sources.aligned).toMatchObject([{ ip: "192.0.2.7", messages: 12 }]);
  expect(sources.unaligned.map(({ ip }) => ip)).toEqual(["127.0.0.66", "192.0.2.8"]);
  expect(tls).toMatchObject([
    { failure: "", sessions: 9 },
    { failure: "certificate-expired", sessions: 2 },
  ]);
  const said = await run(() => reportShow("alder.test", { env, days: "30" }));
  expect(said.text).toContain("TLS: 9 sessions well, 2 failed");
  expect(said.text).toContain("unverified, not counted");
});

test("the domain of nobody, and a member that leaves", async () => {
  await expect(reportShow("stranger.test", { env, days: "30" })).rejects.toThrow(/No member has this domain/);
  const did = sandbox.serve.core!.members.domain("alder.test")!.did;
  sandbox.serve.core!.admission.leave(did, { reason: "gone", by: "rosa" });
  await sandbox.settle();
  expect(sandbox.serve.core!.reports.totals(30)).toEqual([]);
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { reportShow } from "../../src/cli/report.ts";
import { openSandbox } from "../open-sandbox.ts";
import { startPostfix, type Postfix } from "./servers/postfix.ts";
import { complete, removeDirectory, temporaryDirectory, until } from "./servers/process.ts";
import { swaks } from "./servers/swaks.ts";

/*
 * A DMARC aggregate report that Python's own library writes, zips and puts into a mail, handed in by swaks, carried by Postfix
 * to the pool's server: it stands in `atmos report show --json`, by the domain that SPF proves.
 */

const python = `
import email.message, io, sys, zipfile
import xml.etree.ElementTree as tree
domain, report_id, begin = sys.argv[1], sys.argv[2], int(sys.argv[3])
root = tree.Element("feedback")
def put(parent, path, text):
    for name in path.split("/"):
        found = parent.find(name)
        parent = tree.SubElement(parent, name) if found is None else found
    parent.text = str(text)
put(root, "report_metadata/org_name", "Reporter & sons")
put(root, "report_metadata/email", "noreply@reporter.test")
put(root, "report_metadata/report_id", report_id)
put(root, "report_metadata/date_range/begin", begin)
put(root, "report_metadata/date_range/end", begin + 86399)
put(root, "policy_published/domain", domain)
put(root, "policy_published/p", "reject")
for ip, count, dkim, spf, disposition in [
    ("127.0.0.21", 17, "pass", "fail", "none"),
    ("2001:0DB8:0:0::5", 4, "pass", "pass", "none"),
    ("2001:db8::5", 1, "fail", "pass", "none"),
    ("198.51.100.7", 412, "fail", "fail", "reject"),
]:
    record = tree.SubElement(root, "record")
    put(record, "row/source_ip", ip)
    put(record, "row/count", count)
    put(record, "row/policy_evaluated/disposition", disposition)
    put(record, "row/policy_evaluated/dkim", dkim)
    put(record, "row/policy_evaluated/spf", spf)
    put(record, "identifiers/header_from", domain)
packed = io.BytesIO()
name = f"reporter.test!{domain}!{begin}!{begin + 86399}"
with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr(name + ".xml", tree.tostring(root, encoding="utf-8", xml_declaration=True))
mail = email.message.EmailMessage()
mail["From"] = "noreply@reporter.test"
mail["To"] = "dmarc@coop.test"
mail["Subject"] = f"Report Domain: {domain} Submitter: reporter.test Report-ID: <{report_id}>"
mail.set_content("This is a DMARC aggregate report.")
mail.add_attachment(packed.getvalue(), maintype="application", subtype="zip", filename=name + ".zip")
sys.stdout.write(mail.as_string())
`;

const BEGIN = Math.floor(Date.now() / 86_400_000 - 1) * 86_400;
const stack = new AsyncDisposableStack();
let here: Awaited<ReturnType<typeof openSandbox>>;
let postfix: Postfix;
let dir: string;

beforeAll(async () => {
  dir = await temporaryDirectory("report");
  stack.defer(() => removeDirectory(dir));
  here = await openSandbox();
  stack.defer(() => here.close());
  const { zones } = here.sandbox.world;
  zones.set("reporter.test", "TXT", { text: "v=spf1 ip4:127.0.0.1 -all" });
  zones.set("_dmarc.reporter.test", "TXT", { text: "v=DMARC1; p=reject" });
  postfix = stack.use(
    await startPostfix({
      hostname: "mx.reporter.test",
      domains: ["elsewhere.test"],
      known: ["reader"],
      relayTo: here.sandbox.serve.relay!.addresses.inbound,
      settings: {
        smtp_tls_security_level: "encrypt",
        mynetworks: "127.0.0.0/8",
        smtpd_relay_restrictions: "permit_mynetworks, reject",
      },
    }),
  );
});
afterAll(async () => {
  vi.restoreAllMocks();
  await stack.disposeAsync();
});

/** What `atmos report show alder.test --json` prints. */
async function shown() {
  let text = "";
  const written = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  await reportShow("alder.test", { env: here.env, json: true, days: "30" });
  written.mockRestore();
  return JSON.parse(text) as {
    reports: { organization: string; provenBy: string; messages: number; aligned: number }[];
    sources: Record<string, { ip: string; messages: number; aligned: number; rejected: number }[]>;
  };
}

async function send(domain: string, id: string): Promise<void> {
  const { stdout } = await complete("python3", ["-c", python, domain, id, String(BEGIN)]);
  const file = join(dir, `${id}.eml`);
  await writeFile(file, stdout.replace(/\r?\n/g, "\r\n"));
  const { code, stdout: said } = await swaks(
    "dmarc@coop.test",
    postfix,
    "--from",
    "noreply@reporter.test",
    "--data",
    `@${file}`,
  );
  expect(code, said).toBe(0);
  await until("Postfix has handed it on", async () => (await postfix.queue()).length === 0, 30_000);
  await here.sandbox.settle();
}

test("a report of another maker, through swaks and Postfix, stands in atmos report show --json", async () => {
  await send("alder.test", "2026.1");
  const { reports, sources } = await shown();
  expect(reports).toMatchObject([
    { organization: "Reporter & sons", provenBy: "reporter.test", messages: 434, aligned: 22 },
  ]);
  expect(sources["ours"]).toMatchObject([{ ip: "127.0.0.21", messages: 17, aligned: 17 }]);
  expect(sources["aligned"]).toMatchObject([{ ip: "2001:db8::5", messages: 5, aligned: 5 }]);
  expect(sources["unaligned"]).toMatchObject([{ ip: "198.51.100.7", messages: 412, rejected: 412 }]);
});

test("sent again it counts once; about a domain of nobody it is taken and dropped", async () => {
  await send("alder.test", "2026.1");
  await send("stranger.test", "2026.2");
  const { reports, sources } = await shown();
  expect(reports).toHaveLength(1);
  expect(sources["ours"]).toMatchObject([{ messages: 17 }]);
});

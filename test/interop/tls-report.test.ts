import { createServer } from "node:https";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DAY_MS, MovableClock } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";
import { silentLog } from "../../src/platform/log.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import { openTlsReports, tlsReportMigration } from "../../src/tls-report/index.ts";
import type { TlsObservation } from "../../src/transport/index.ts";
import { choosePorts, startProduct, type Product } from "./product.ts";
import { startCertificateAuthority } from "./servers/certificate.ts";
import { verifyWithDkimpy } from "./servers/dkimpy.ts";
import { startDns, type DnsServer } from "./servers/dns.ts";
import { readWithParsedmarc, type ReadReport } from "./servers/parsedmarc.ts";
import { freePort } from "./servers/process.ts";
import { startSink, type Sink } from "./sink.ts";

/*
 * The product sends what it counted two days ago: to a receiver over HTTPS, and to a mailbox. What arrives is read by
 * parsedmarc, as the owners of such mailboxes do.
 */

const MX_HOST = "127.0.6.1";
const INBOUND_HOST = "127.0.6.2";
const DAY = Math.floor(Date.now() / DAY_MS) - 2;
const date = new Date(DAY * DAY_MS).toISOString().slice(0, 10);

const sts = {
  type: "sts" as const,
  strings: ["version: STSv1", "mode: enforce", "mx: mx.mailed.test", "max_age: 86400"],
  mxHosts: ["mx.mailed.test"],
};
const tlsa = { type: "tlsa" as const, strings: [`3 1 1 ${"AB".repeat(32)}`], mxHosts: ["mx.posted.test"] };
const failure: NonNullable<TlsObservation["failure"]> = {
  type: "certificate-host-mismatch",
  reason: "the certificate does not have the name of the host",
  sendingIp: "192.0.2.7",
  mxHost: "mx.mailed.test",
  mxHelo: "other.mailed.test",
  receivingIp: "2001:db8::25",
};

/** As a relay that ran two days ago leaves it. */
async function count(dataDir: string): Promise<void> {
  const db = new Database(join(dataDir, "delivery.sqlite"), [tlsReportMigration]);
  const clock = new MovableClock(DAY * DAY_MS + 1);
  const reports = openTlsReports({
    db,
    clock,
    resolver: { resolve: async () => ({ status: "nxdomain", authentic: false }) },
    post: async () => ({ ok: false, why: "nobody is asked" }),
    log: silentLog,
    metrics: createMetrics(),
    identity: { poolDomain: "coop.test", hostname: "relay.coop.test", contact: "tls@coop.test" },
  });
  const at = clock.now();
  for (let i = 0; i < 5; i++)
    reports.observe({ at, domain: "mailed.test", policy: sts, failure: i < 2 ? failure : undefined });
  reports.observe({ at, domain: "posted.test", policy: tlsa, failure: undefined });
  reports.observe({
    at,
    domain: "posted.test",
    policy: { type: "sts", strings: [], mxHosts: [] },
    failure: {
      ...failure,
      type: "sts-policy-fetch-error",
      reason: "HTTP status 404",
      sendingIp: "",
      mxHost: "",
      mxHelo: "",
      receivingIp: "",
    },
  });
  reports.close();
  db.close();
}

const stack = new AsyncDisposableStack();
const posts: Buffer[] = [];
let dns: DnsServer;
let sink: Sink;
let product: Product;

beforeAll(async () => {
  const authority = stack.use(await startCertificateAuthority());
  const certificate = await authority.issue("mx.mailed.test", "127.0.0.1");
  const receiver = createServer(certificate, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.headers["content-type"] === "application/tlsrpt+gzip") posts.push(Buffer.concat(chunks));
      response.writeHead(201).end();
    });
  });
  await new Promise<void>((resolve) => void receiver.listen(0, "127.0.0.1", resolve));
  stack.defer(() => new Promise<void>((resolve) => void receiver.close(() => resolve())));
  const url = `https://127.0.0.1:${(receiver.address() as AddressInfo).port}/tlsrpt`;
  const deliveryPort = await freePort(MX_HOST);
  sink = stack.use(await startSink({ host: MX_HOST, port: deliveryPort }, certificate));
  const rua = (name: string, address: string) => ({
    name: `_smtp._tls.${name}`,
    type: "TXT" as const,
    data: `v=TLSRPTv1; rua=${address}`,
  });
  dns = stack.use(
    await startDns([
      rua("mailed.test", "mailto:tls-reports@mailed.test"),
      rua("posted.test", url),
      { name: "mailed.test", type: "MX", data: { preference: 10, exchange: "mx.mailed.test" } },
      { name: "mx.mailed.test", type: "A", data: MX_HOST },
    ]),
  );
  product = stack.use(
    await startProduct(await choosePorts(), {
      inboundHost: INBOUND_HOST,
      deliveryPort,
      prepare: count,
      env: {
        ATMOS_ROLES: "core,relay",
        ATMOS_POOL_DOMAIN: "coop.test",
        ATMOS_DNS_SERVERS: `${dns.host}:${dns.port}`,
        ATMOS_TLS_CERT_FILE: certificate.certPath,
        ATMOS_TLS_KEY_FILE: certificate.keyPath,
        ATMOS_TLS_REPORT_CONTACT: "tls@coop.test",
      },
    }),
  );
});
afterAll(() => stack.disposeAsync());

const BOUND = { timeout: 60_000 };
const arrives = { timeout: 30_000, interval: 100 };
const head = { report_type: "smtp_tls" };

test("parsedmarc reads the mailed report, and dkimpy verifies it", BOUND, async () => {
  await expect.poll(() => sink.copies.length, arrives).toBe(1);
  const [{ raw, from, to }] = sink.copies as [(typeof sink.copies)[0]];
  expect([from, to]).toEqual(["", "tls-reports@mailed.test"]);
  expect(await readWithParsedmarc("mail", raw)).toMatchObject({
    ...head,
    report: {
      organization_name: "coop.test",
      begin_date: `${date}T00:00:00Z`,
      end_date: `${date}T23:59:59Z`,
      contact_info: "tls@coop.test",
      report_id: expect.stringMatching(/@relay\.coop\.test$/),
      policies: [
        {
          policy_domain: "mailed.test",
          policy_type: "sts",
          policy_strings: sts.strings,
          // It looks for the hosts under another name than the `mx-host` of RFC 8460, so they are not here.
          successful_session_count: 3,
          failed_session_count: 2,
          failure_details: [
            {
              result_type: "certificate-host-mismatch",
              failed_session_count: 2,
              sending_mta_ip: "192.0.2.7",
              receiving_ip: "2001:db8::25",
              receiving_mx_hostname: "mx.mailed.test",
              receiving_mx_helo: "other.mailed.test",
              failure_reason_code: failure.reason,
            },
          ],
        },
      ],
    },
  });
  const found = await product.run("doctor", "--env", product.envFile);
  const { findings } = found.answer as { findings: { probe: string; text: string; remedy?: string }[] };
  const record = findings.map(({ remedy, text }) => `${text} ${remedy ?? ""}`).join("\n");
  const key = /v=DKIM1;[^"\n]*?p=[A-Za-z0-9+/=]+/.exec(record)?.[0];
  dns.set({ name: "pool1._domainkey.coop.test", type: "TXT", data: key?.match(/.{1,255}/g) ?? [] });
  expect(await verifyWithDkimpy(raw, dns)).toMatchObject([{ domain: "coop.test", result: "pass" }]);
});

test("parsedmarc reads what was posted", BOUND, async () => {
  await expect.poll(() => posts.length, arrives).toBe(1);
  const read = (await readWithParsedmarc("file", posts[0]!)) as ReadReport;
  expect(read).toMatchObject({
    ...head,
    report: {
      policies: [
        { policy_domain: "mx.posted.test", policy_type: "tlsa", successful_session_count: 1 },
        {
          policy_domain: "posted.test",
          policy_type: "sts",
          failed_session_count: 1,
          failure_details: [{ result_type: "sts-policy-fetch-error", failed_session_count: 1 }],
        },
      ],
    },
  });
});

test("and takes no report that lacks what it must have", BOUND, async () => {
  const report = JSON.parse(gunzipSync(posts[0]!).toString()) as Record<string, unknown>;
  delete report["date-range"];
  const broken = gzipSync(JSON.stringify(report));
  expect(await readWithParsedmarc("file", broken)).toEqual({ refused: expect.any(String) });
});

test("killed and started again, the product sends none twice, and tells of both", BOUND, async () => {
  await product.kill();
  await product.start();
  await expect
    .poll(async () => {
      const { answer } = await product.run("tls-report", "list", "--env", product.envFile);
      return (answer["reports"] as { domain: string; state: string }[]).map(
        ({ domain, state }) => `${domain} ${state}`,
      );
    }, arrives)
    .toEqual([expect.stringMatching(/^mailed\.test (mailed|sent)$/), "posted.test sent"]);
  expect([posts.length, sink.copies.length]).toEqual([1, 1]);
});

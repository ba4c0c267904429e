import { appendFile, copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeAll, expect, test } from "vitest";
import { exportVerifyingKey, signingKeyFrom, verifyingKeyOf } from "../../src/platform/sign.ts";
import { choosePorts, startProduct, type Ports, type Product } from "./product.ts";
import { startCertificateAuthority } from "./servers/certificate.ts";
import { startPebble, type Pebble } from "./servers/pebble.ts";
import { accepts, freePort, removeDirectory, run, temporaryDirectory, until } from "./servers/process.ts";
import { tellLogOnFailure } from "./cooperative.ts";

const HOST = "relay.coop.test";
const INBOUND = "127.0.0.2";
let product: Product | undefined;
let ports: Ports;
let mail: number;
let metrics: number;
beforeAll(async () => {
  ports = await choosePorts();
  mail = await freePort(INBOUND);
  metrics = await freePort();
});
tellLogOnFailure(() => product);
afterEach(async () => {
  await product?.stop();
  product = undefined;
});

/** A relay alone, its brokers away: what it needs beside its certificate. */
const settings = () => ({
  ATMOS_ROLES: "relay",
  ATMOS_NODE_NAME: "mx1",
  ATMOS_KAFKA_BROKERS: "127.0.0.1:1",
  ATMOS_CORE_KEY: exportVerifyingKey(verifyingKeyOf(signingKeyFrom(new Uint8Array(32)))),
  ATMOS_POOL_DOMAIN: "coop.test",
  ATMOS_POOL_HOSTNAME: HOST,
  ATMOS_DNS_SERVERS: "127.0.0.1:1",
  ATMOS_METRICS_ADDRESS: `127.0.0.1:${metrics}`,
});

const byAcme = (pebble: Pebble, httpPort: number) => ({
  ...settings(),
  ATMOS_ACME_DIRECTORY: pebble.directory,
  ATMOS_ACME_CA_FILE: pebble.caFile,
  ATMOS_ACME_CONTACT: "postmaster@coop.test",
  ATMOS_ACME_HTTP_ADDRESS: `127.0.0.1:${httpPort}`,
});

const start = (env: Record<string, string>) =>
  startProduct(ports, { env, inboundHost: INBOUND, deliveryPort: mail });

/** An open connection whose certificate was verified for our name, and what it says to a line. */
async function secured(port: number, ca: string, at?: Socket) {
  const socket = at ?? connectTcp({ host: "127.0.0.1", port });
  const secure = connectTls({ socket, servername: HOST, ca });
  await new Promise<void>((resolve, reject) => {
    secure.once("secureConnect", resolve);
    secure.once("error", reject);
    secure.once("close", () => reject(new Error("closed in the handshake")));
  });
  return { secure, fingerprint: secure.getPeerCertificate().fingerprint256 };
}

function reply(socket: Socket | TLSSocket, line?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const onData = (chunk: Buffer) => {
      said += chunk.toString("latin1");
      if (!/^\d{3} .*\r\n/m.test(said)) return;
      socket.off("data", onData);
      resolve(said);
    };
    socket.on("data", onData);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`closed after: ${said}`)));
    if (socket.destroyed) reject(new Error("closed before"));
    if (line !== undefined) socket.write(`${line}\r\n`);
  });
}

async function fingerprint(port: number, ca: string, starttls?: { host: string }): Promise<string> {
  let at: Socket | undefined;
  if (starttls !== undefined) {
    at = connectTcp({ host: starttls.host, port });
    await reply(at);
    await reply(at, "EHLO client.test");
    expect(await reply(at, "STARTTLS")).toMatch(/^220/);
  }
  const { secure, fingerprint: found } = await secured(port, ca, at);
  secure.destroy();
  return found;
}

const everywhere = (ca: string) =>
  Promise.all([
    fingerprint(ports.tls, ca),
    fingerprint(ports.starttls, ca, { host: "127.0.0.1" }),
    fingerprint(mail, ca, { host: INBOUND }),
  ]);

type Finding = { probe: string; status: string; text: string };
const doctor = async () => {
  const { answer } = await product!.run("doctor", "--env", product!.envFile);
  const findings = answer["findings"] as Finding[];
  return (probe: string) => findings.find((finding) => finding.probe === probe);
};

test(
  "a certificate comes from pebble, and is renewed while a connection is open",
  { timeout: 180_000 },
  async () => {
    const httpPort = await freePort();
    await using pebble = await startPebble({ httpPort, lifeSeconds: 60 });
    pebble.dns.set({ name: HOST, type: "A", data: "127.0.0.1" });
    product = await start(byAcme(pebble, httpPort));

    let open = await secured(ports.tls, pebble.root);
    expect(await reply(open.secure)).toMatch(/^220/);
    expect(new Set(await everywhere(pebble.root))).toEqual(new Set([open.fingerprint]));
    const findings = await doctor();
    expect(findings("ACME")).toMatchObject({ status: "ok" });
    expect(findings("challenges")).toMatchObject({ status: "ok" });
    const scraped = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    const days = Number(/^atmos_certificate_days_left (\S+)$/m.exec(scraped)?.[1]);
    expect(days).toBeGreaterThan(0);
    expect(days).toBeLessThan(60 / 86_400);

    // The one before the renewal stays open; without a log-in none of them may for long.
    await until(
      "a renewed certificate",
      async () => {
        await pause(500);
        const next = await secured(ports.tls, pebble.root);
        expect(await reply(next.secure)).toMatch(/^220/);
        const renewed = next.fingerprint !== open.fingerprint;
        (renewed ? next : open).secure.destroy();
        if (!renewed) open = next;
        return renewed;
      },
      90_000,
    );
    const renewed = await everywhere(pebble.root);
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(open.fingerprint);
    expect(await reply(open.secure, "EHLO client.test"), "the open connection goes on").toMatch(/^250/);
    open.secure.destroy();
  },
);

test(
  "a refusal is told, the old certificate serves, and SIGHUP tries again",
  { timeout: 240_000 },
  async () => {
    const httpPort = await freePort();
    await using pebble = await startPebble({ httpPort });
    pebble.dns.set({ name: HOST, type: "A", data: "127.0.0.1" });
    product = await start(byAcme(pebble, httpPort));
    const [before] = await everywhere(pebble.root);

    await product.terminate();
    await appendFile(product.envFile, "ATMOS_ACME_NAMES=mx.coop.test\n");
    await product.start();
    await until("the refusal", () => product!.log().includes("no certificate: "));
    expect(product.log()).toMatch(/mx\.coop\.test.*the old one serves until.*next try at/);
    expect(new Set(await everywhere(pebble.root))).toEqual(new Set([before]));
    const findings = await doctor();
    expect(findings("certificate")).toMatchObject({ status: "fail" });
    expect(findings("ACME")).toMatchObject({
      status: "warn",
      text: expect.stringMatching(/failed 1 time.*mx\.coop\.test/),
    });

    // The pause survives a restart: a supervisor that starts us again and again asks nobody again and again.
    const asked = () => product!.log().split("asking for a certificate").length;
    const count = asked();
    await product.terminate();
    await product.start();
    pebble.dns.set({ name: "mx.coop.test", type: "A", data: "127.0.0.1" });
    expect(await fingerprint(ports.tls, pebble.root)).toBe(before);
    expect(asked()).toBe(count);

    process.kill(product.pid(), "SIGHUP");
    await until(
      "the new certificate",
      async () => (await fingerprint(ports.tls, pebble.root)) !== before,
      90_000,
    );
    expect((await doctor())("ACME")).toMatchObject({ status: "ok" });
  },
);

test("without a certificate nothing starts, and the log says why and when it tries again", async () => {
  const httpPort = await freePort();
  await using pebble = await startPebble({ httpPort });
  const dir = await temporaryDirectory("acme");
  const file = join(dir, "atmos.env");
  const env = {
    ...byAcme(pebble, httpPort),
    ATMOS_DATA_DIR: join(dir, "data"),
    ATMOS_PUBLIC_URL: "http://127.0.0.1",
    ATMOS_RELAY_SECRET: "ab".repeat(32),
    ATMOS_SUBMISSION_TLS_ADDRESS: `127.0.0.1:${ports.tls}`,
    ATMOS_SUBMISSION_STARTTLS_ADDRESS: `127.0.0.1:${ports.starttls}`,
    ATMOS_INBOUND_ADDRESS: `${INBOUND}:${mail}`,
  };
  await writeFile(
    file,
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const atmos = join(import.meta.dirname, "../../dist/cli/main.js");
  {
    await using running = await run(process.execPath, [atmos, "serve", "--env", file], {
      env: { ATMOS_TEST_CACHE: undefined },
      ready: (output) => output.includes("no certificate yet, so nothing starts"),
    });
    expect(running.output()).toMatch(/ACME: ordering a certificate for relay\.coop\.test/);
    expect(running.output()).toMatch(/relay\.coop\.test.*nothing can serve yet; next try at/);
    expect(await accepts({ host: "127.0.0.1", port: ports.tls })).toBe(false);
  }
  await removeDirectory(dir);
});

test("files: a broken pair is refused, a good one is taken at SIGHUP, connections stay", async () => {
  await using authority = await startCertificateAuthority();
  const dir = await temporaryDirectory("tls");
  const files = { cert: join(dir, "cert.pem"), key: join(dir, "key.pem") };
  const [first, second, foreign] = [
    await authority.issue(HOST),
    await authority.issue(HOST),
    await authority.issue("other.test"),
  ];
  const put = async (pair: typeof first) => {
    await copyFile(pair.certPath, files.cert);
    await copyFile(pair.keyPath, files.key);
  };
  await put(first);
  product = await start({ ...settings(), ATMOS_TLS_CERT_FILE: files.cert, ATMOS_TLS_KEY_FILE: files.key });
  const open = await secured(ports.tls, authority.cert);
  await reply(open.secure);
  const refused = async (why: RegExp) => {
    process.kill(product!.pid(), "SIGHUP");
    await until(`refused: ${why}`, () => why.test(product!.log()));
    expect(new Set(await everywhere(authority.cert))).toEqual(new Set([open.fingerprint]));
  };
  await writeFile(files.cert, (await readFile(second.certPath, "utf8")).slice(0, 300));
  await refused(/old one serves on: the certificate is not readable PEM/);
  await copyFile(second.certPath, files.cert);
  await refused(/old one serves on: key and certificate do not belong together/);
  await put(foreign);
  await refused(/old one serves on: it is not for relay\.coop\.test/);

  await put(second);
  process.kill(product.pid(), "SIGHUP");
  await until("the new one", async () => (await fingerprint(ports.tls, authority.cert)) !== open.fingerprint);
  expect(new Set(await everywhere(authority.cert)).size).toBe(1);
  expect(await reply(open.secure, "EHLO client.test")).toMatch(/^250/);
  open.secure.destroy();
  await removeDirectory(dir);
});

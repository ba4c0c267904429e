import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { encode, fromBytes } from "@atcute/cbor";
import { verifySigWithDidKey } from "@atcute/crypto";
import { getDidKeyFromMultibase } from "@atproto/identity";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { passUpgrade, startProxy } from "../../src/cli/labeler/proxy.fixture.ts";
import { tellLogOnFailure } from "./cooperative.ts";
import { choosePorts, productUrl, startProduct, type Ports, type Product } from "./product.ts";
import { startCertificateAuthority } from "./servers/certificate.ts";
import { startPds, type Pds } from "./servers/pds.ts";
import { complete, freePort, removeDirectory, temporaryDirectory, until } from "./servers/process.ts";

const HANDLE = "labels.test";
const PASSWORD = "pass-word-1";
const INBOUND = "127.0.0.2";
const atmos = join(import.meta.dirname, "../../dist/cli/main.js");

const stack = new AsyncDisposableStack();
const mails: string[] = [];
let pds: Pds;
let did: string;
let envFile: string;
let ports: Ports;
/** The labeler's public address: a reverse proxy before the product. */
let publicUrl: string;
let product: Product | undefined;

beforeAll(async () => {
  const sink = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    onData(stream, _, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        mails.push(Buffer.concat(chunks).toString("utf8"));
        done();
      });
    },
  });
  const listening = sink.listen(0, "127.0.0.1");
  await once(listening, "listening");
  stack.defer(() => new Promise<void>((resolve) => sink.close(resolve)));
  const { port } = listening.address() as AddressInfo;
  pds = stack.use(await startPds({ smtpUrl: `smtp://127.0.0.1:${port}`, fromAddress: "pds@labels.test" }));
  ({ did } = await pds.createAccount(HANDLE, "ops@labels.test", PASSWORD));
  ports = await choosePorts();
  const target = () => new URL(productUrl(ports));
  const proxy = await startProxy(target, passUpgrade(target));
  stack.defer(() => proxy.close());
  publicUrl = proxy.url;
  const directory = await temporaryDirectory("labeler");
  stack.defer(() => removeDirectory(directory));
  envFile = join(directory, "labeler.env");
  await writeFile(envFile, `ATMOS_PLC_URL=${pds.plcUrl}\n`);
});
afterAll(() => stack.disposeAsync());
tellLogOnFailure(() => product);

type Step = { step: string; status: string; text: string };

async function command(args: string[], variables: Record<string, string> = {}, input = "") {
  const assigned = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const words = ["-u", "ATMOS_TEST_CACHE", ...assigned, process.execPath, atmos, ...args, "--json"];
  const { code, stdout, stderr } = await complete("env", words, { anyExit: true, input });
  const answer = (stdout === "" ? {} : JSON.parse(stdout)) as Record<string, unknown>;
  return {
    code,
    answer,
    stderr,
    steps: ((answer["steps"] ?? []) as Step[]).map((s) => `${s.status} ${s.step}`),
  };
}

/** `atmos labeler setup`, with the password on standard input. */
const setUp = (more: string[] = [], variables = {}, password = PASSWORD) =>
  command(
    [
      "labeler",
      "setup",
      "--pds",
      pds.pdsUrl,
      "--handle",
      HANDLE,
      "--url",
      publicUrl,
      "--env",
      envFile,
      ...more,
    ],
    variables,
    `${password}\n`,
  );

/** The token of the newest mail about a PLC operation. */
const mailedToken = (after: number) =>
  until("the mail with the token", () => {
    const mail = mails.slice(after).find((text) => /PLC/i.test(text));
    return mail && /\b([A-Z2-7]{5}-[A-Z2-7]{5})\b/.exec(mail)?.[1];
  });

async function plcData() {
  const response = await fetch(`${pds.plcUrl}/${did}/data`);
  return (await response.json()) as {
    verificationMethods: Record<string, string>;
    services: Record<string, { type: string; endpoint: string }>;
    rotationKeys: string[];
    alsoKnownAs: string[];
  };
}

test("a wrong password is said plainly, and is asked for where there is none", async () => {
  const wrong = await setUp([], {}, "wrong");
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringMatching(/Cannot log in as labels\.test.*password/s),
  ]);
  const none = await setUp([], {}, "");
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("LABELER_PASSWORD")]);
  expect(mails).toEqual([]);
});

test("a dry run changes nothing and sends no mail", async () => {
  const before = await plcData();
  const { code, steps } = await setUp(["--dry-run"]);
  expect(code).toBe(0);
  expect(steps).toEqual(["ok log in", "would signing key", "would DID document", "would service record"]);
  expect(await plcData()).toEqual(before);
  expect(await readFile(envFile, "utf8")).not.toContain("ATMOS_LABELER_KEY");
  expect(mails).toEqual([]);
});

test("it stops where it needs the mailed token, goes on with it, and has nothing to do after that", async () => {
  const before = await plcData();
  const first = await setUp();
  expect([first.code, first.steps]).toEqual([1, ["ok log in", "done signing key", "waits DID document"]]);
  const badToken = await setUp([], { LABELER_PLC_TOKEN: "AAAAA-AAAAA" });
  expect([badToken.code, badToken.stderr]).toEqual([
    1,
    expect.stringMatching(/DID document is as it was.*token/s),
  ]);
  const second = await setUp([], { LABELER_PLC_TOKEN: await mailedToken(0) });
  expect(second.stderr).toBe("");
  expect([second.code, second.steps]).toEqual([
    0,
    ["ok log in", "ok signing key", "done DID document", "done service record"],
  ]);
  expect(second.answer["settings"]).toEqual({ ATMOS_LABELER_DID: did, ATMOS_PUBLIC_URL: publicUrl });
  const third = await setUp();
  expect([third.code, third.steps]).toEqual([
    0,
    ["ok log in", "ok signing key", "ok DID document", "ok service record"],
  ]);
  const after = await plcData();
  expect(after.services["atproto_labeler"]).toEqual({ type: "AtprotoLabeler", endpoint: publicUrl });
  expect(after.services["atproto_pds"]).toEqual(before.services["atproto_pds"]);
  expect(after.verificationMethods["atproto"]).toBe(before.verificationMethods["atproto"]);
  expect([after.rotationKeys, after.alsoKnownAs]).toEqual([before.rotationKeys, before.alsoKnownAs]);
  const record = await pds.xrpc("com.atproto.repo.getRecord", {
    parameters: { repo: did, collection: "app.bsky.labeler.service", rkey: "self" },
  });
  expect(await record.json()).toMatchObject({
    value: {
      policies: {
        labelValues: ["verified-mail-operator", "relay-member", "verified-member", "clean-sender"],
      },
      reasonTypes: [],
      subjectTypes: [],
    },
  });
});

/** The settings that `setup` left behind, with the rest that a product needs. */
async function startWithSettings(): Promise<Product> {
  const authority = stack.use(await startCertificateAuthority());
  const certificate = await authority.issue("relay.coop.test");
  const lines = (await readFile(envFile, "utf8")).split("\n").filter((line) => line !== "");
  return startProduct(ports, {
    inboundHost: INBOUND,
    deliveryPort: await freePort(INBOUND),
    env: {
      ...Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
      ),
      ATMOS_POOL_DOMAIN: "coop.test",
      ATMOS_LABELER_DID: did,
      ATMOS_PUBLIC_URL: publicUrl,
      ATMOS_TLS_CERT_FILE: certificate.certPath,
      ATMOS_TLS_KEY_FILE: certificate.keyPath,
    },
  });
}

type Finding = { probe: string; status: string; text: string; remedy?: string };

async function selfTest() {
  const { code, answer } = await command(["labeler", "self-test", "--env", product!.envFile]);
  return { code, findings: answer["findings"] as Finding[] };
}

async function query() {
  const response = await fetch(`${publicUrl}/xrpc/com.atproto.label.queryLabels?uriPatterns=*`);
  const { labels } = (await response.json()) as {
    labels: ({ sig: { $bytes: string } } & Record<string, unknown>)[];
  };
  return labels;
}

async function verifies({ sig, ...label }: Awaited<ReturnType<typeof query>>[number]): Promise<boolean> {
  const document = (await (await fetch(`${pds.plcUrl}/${did}`)).json()) as {
    verificationMethod: { id: string; type: string; publicKeyMultibase: string }[];
  };
  const method = document.verificationMethod.find(({ id }) => id.endsWith("#atproto_label"))!;
  const key = getDidKeyFromMultibase(method) as `did:key:${string}`;
  return verifySigWithDidKey(key, fromBytes(sig) as Uint8Array<ArrayBuffer>, encode(label));
}

test("the product runs with these settings, and its labels verify through the proxy", async () => {
  product = stack.use(await startWithSettings());
  const member = await pds.createAccount("alder.test", "postmaster@alder.test", PASSWORD);
  await product.cli("member", "add", member.did, "--name", "Alder");
  const labels = await until("labels", async () => {
    const found = await query();
    return found.length > 0 && found;
  });
  for (const label of labels) {
    expect(label).toMatchObject({ src: did, uri: member.did });
    expect(await verifies(label)).toBe(true);
    expect(await verifies({ ...label, val: "clean-sender" })).toBe(false);
  }
  const { code, findings } = await selfTest();
  expect(findings.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(code).toBe(0);
});

test("a new key: the self-test says what is wrong until set-up has told the world", async () => {
  const [before] = await query();
  const oldKey = /ATMOS_LABELER_KEY=(\w+)/.exec(await readFile(envFile, "utf8"))![1]!;
  const newKey = oldKey.split("").toReversed().join("");
  for (const file of [envFile, product!.envFile]) {
    await writeFile(file, (await readFile(file, "utf8")).replace(oldKey, newKey));
  }
  await product!.terminate();
  await product!.start();
  const { code, findings } = await selfTest();
  expect(code).toBe(1);
  expect(findings.filter(({ status }) => status === "fail")).toMatchObject([
    { probe: "signatures of queryLabels", remedy: expect.stringContaining("atmos labeler setup") },
    { probe: "signatures of subscribeLabels" },
  ]);
  const mailed = mails.length;
  expect((await setUp()).steps).toContain("waits DID document");
  expect((await setUp([], { LABELER_PLC_TOKEN: await mailedToken(mailed) })).code).toBe(0);
  expect((await selfTest()).code).toBe(0);
  const after = (await query()).find(
    (label) => label["uri"] === before!["uri"] && label["val"] === before!["val"],
  );
  expect(after).toEqual({ ...before, sig: expect.anything() });
  expect(after!.sig).not.toEqual(before!.sig);
});

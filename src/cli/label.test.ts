import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { freePorts, startSandbox, type Sandbox } from "../devnet/index.ts";
import { silentLog } from "../platform/log.ts";
import type { LabelExplanation } from "../web/index.ts";
import { labelExplain } from "./label.ts";
import { labelerSelfTest } from "./labeler/index.ts";

let dir: string;
let env: string;
let sandbox: Sandbox;
let did: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "atmos-label-"));
  env = join(dir, "atmos.env");
  sandbox = await startSandbox({
    dir,
    rulesDir: join(import.meta.dirname, "../../rules"),
    log: silentLog,
    ports: await freePorts(),
    operators: [{ name: "Alder", domain: "alder.test", perDay: 10 }],
    now: Date.now(),
    days: 0,
  });
  did = sandbox.serve.core!.members.domain("alder.test")!.did;
});
afterAll(async () => {
  await sandbox.close();
  rmSync(dir, { recursive: true });
});
afterEach(() => vi.restoreAllMocks());

async function run(command: () => Promise<number>): Promise<{ code: number; text: string }> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const code = await command();
  vi.restoreAllMocks();
  return { code, text };
}

test("the sandbox's labeler passes its self-test", async () => {
  const { code, text } = await run(() => labelerSelfTest({ env }));
  expect(text).not.toMatch(/^(FAIL|warn)/m);
  expect(code).toBe(0);
});

test("a domain, an account and a record are explained by the running server", async () => {
  const { code, text } = await run(() => labelExplain("Alder.test", { env }));
  expect(code).toBe(0);
  expect(text).toContain(`verified-mail-operator on at://${did}/community.email.attestation/alder.test`);
  expect(text).toMatch(/stands since \S+Z, last said \S+Z, lapses \S+Z/);
  expect(text).toMatch(/ok {3}spf, \S+Z/);
  const { text: document } = await run(() => labelExplain(did, { env, val: "relay-member", json: true }));
  const view = JSON.parse(document) as LabelExplanation;
  expect(view.labels.map((label) => label.value)).toEqual(["relay-member"]);
  await expect(labelExplain("no domain", { env })).rejects.toThrow(/is no DID/);
  await expect(labelExplain("x.test", { url: "http://127.0.0.1:1" })).rejects.toThrow(/does not answer/);
});

test("the page says the same, to whoever asks for a page", async () => {
  const response = await fetch(`${sandbox.urls.web}/labels/${did}/community.email.attestation/alder.test`, {
    headers: { accept: "text/html,*/*" },
  });
  const html = await response.text();
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    expect.stringMatching(/html/),
  ]);
  expect(html).toContain("verified-mail-operator");
  expect(html).toContain("Stands since");
  expect(response.headers.get("vary")).toMatch(/accept/i);
});

test("of an ended label nothing is said, and not that there was one", async () => {
  const never = await run(() => labelExplain("never.test", { env }));
  await sandbox.serve.core!.decide(did, "suspended", { by: "rosa", why: "for the test" });
  await sandbox.settle();
  const ended = await run(() => labelExplain("alder.test", { env }));
  expect(ended.code).toBe(1);
  expect(ended.text).toBe(never.text.replace("never.test", "alder.test"));
});

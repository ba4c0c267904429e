import { afterAll, beforeAll, expect, test } from "vitest";
import { labelExplain } from "../src/cli/label.ts";
import { labelerSelfTest } from "../src/cli/labeler/index.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import type { LabelExplanation } from "../src/web/index.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand as run } from "./run-command.ts";

let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;

beforeAll(async () => {
  ({ env, sandbox, close } = await openSandbox());
  did = sandbox.serve.core!.members.domain("alder.test")!.did;
});
afterAll(() => close());

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

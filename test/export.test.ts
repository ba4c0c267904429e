import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memberExport } from "../src/cli/export.ts";
import { sendTest } from "../src/cli/send-test.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { unzip } from "../src/roles/unzip.fixture.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand as run } from "./run-command.ts";

let env: string;
let dir: string;
let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;

beforeAll(async () => {
  ({ env, dir, sandbox, close } = await openSandbox());
  did = sandbox.serve.core!.members.domain("alder.test")!.did;
  const [operator] = sandbox.operators;
  const { port } = sandbox.serve.relay!.addresses.tls[0]!;
  const url = `smtps://${operator!.username}:${operator!.secret}@127.0.0.1:${port}`;
  await run(() =>
    sendTest("berta@bigmail.test", { url, from: operator!.from, ca: sandbox.world.caFile, json: true }),
  );
  await sandbox.settle();
});
afterAll(() => close());

test("the command writes everything about a member into a zip, with a log of real mail in it", async () => {
  const out = join(dir, "export.zip");
  const { text } = await run(() => memberExport(did, { env, out, whole: true, by: "rosa" }));
  expect(text).toContain("README.md in it explains each file");
  const files = await unzip(readFileSync(out));
  const [message] = files.get("messages.ndjson")!.trim().split("\n");
  expect(JSON.parse(message!)).toMatchObject({
    recipients: [{ address: "berta@bigmail.test", state: "delivered" }],
    attempts: [{ code: 250 }],
  });
  expect(files.get("proof.jws")!.split(".")).toHaveLength(3);
  expect(JSON.parse(files.get("labels.json")!)).toMatchObject({
    inForce: expect.arrayContaining([expect.objectContaining({ val: "relay-member" })]),
  });
  expect(files.get("attestations.json")).toContain("alder.test");
  expect(files.get("events.ndjson")).toContain("recipient_delivered");
});

test("addresses are masked unless they are asked for, and nothing is written over", async () => {
  const out = join(dir, "masked.zip");
  await run(() => memberExport(did, { env, out }));
  expect((await unzip(readFileSync(out))).get("messages.ndjson")).not.toContain("berta");
  await expect(memberExport(did, { env, out })).rejects.toThrow(/is there already/);
  const absent = join(dir, "no", "such.zip");
  await expect(memberExport(did, { env, out: absent })).rejects.toThrow(/cannot be written \(ENOENT\)/);
  const stranger = "did:plc:zzzzzzzzzzzzzzzzzzzzzzzz";
  await expect(memberExport(stranger, { env, out: `${out}2` })).rejects.toThrow(/is not a member/);
  expect(existsSync(`${out}2`)).toBe(false);
});

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memberProof, proofVerify } from "../src/cli/proof.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand as run } from "./run-command.ts";

let env: string;
let dir: string;
let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;
let file: string;

beforeAll(async () => {
  ({ env, dir, sandbox, close } = await openSandbox());
  did = sandbox.serve.core!.members.domain("alder.test")!.did;
  file = join(dir, "proof.jws");
});
afterAll(() => close());

const labeler = () => sandbox.serve.labeler!.labels.did;
const verify = (path: string, issuer?: string) =>
  run(() => proofVerify(path, { env, ...(issuer !== undefined && { issuer }) }));

test("a member's proof is made by the running server and checked by whoever has the file", async () => {
  await sandbox.serve.core!.decide(did, "warned", { by: "rosa", why: "for the test" });
  await sandbox.settle();
  const made = await run(() => memberProof(did, { env, out: file }));
  expect(made.text).toContain(`atmos proof verify ${file}`);
  const { code, text } = await verify(file, labeler());
  expect(code).toBe(0);
  expect(text).toContain("The signature is good.");
  expect(text).toContain(`member      ${did}`);
  expect(text).toMatch(/standing {4}warned since \S+Z; changes in all: 1/);
  expect(text).toContain(`label       relay-member on ${did} since`);
  const printed = await run(() => memberProof(did, { env }));
  expect(printed.text.trim().split(".")).toHaveLength(3);
});

test("one byte changed, or another issuer than the one that was asked for, is no proof", async () => {
  const changed = join(dir, "changed.jws");
  const proof = readFileSync(file, "utf8");
  const at = proof.indexOf(".") + 40;
  writeFileSync(changed, proof.slice(0, at) + (proof[at] === "A" ? "B" : "A") + proof.slice(at + 1));
  expect(await verify(changed)).toMatchObject({
    code: 1,
    text: expect.stringMatching(/NOT PROVED|no proof/),
  });
  expect(await verify(file, "did:web:other.test")).toMatchObject({ code: 1 });
  const document = JSON.parse((await run(() => proofVerify(changed, { env, json: true }))).text) as object;
  expect(document).toMatchObject({ ok: false });
});

test("who was never admitted has none", async () => {
  const applicant = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
  await expect(memberProof(applicant, { env })).rejects.toThrow(/is not a member/);
  const form = { name: "Ada", contact: "", domains: [], daily: null, purpose: "", pds: "", words: "" };
  sandbox.serve.core!.admission.apply(applicant, form, "ada");
  await expect(memberProof(applicant, { env })).rejects.toThrow(/no reputation to prove yet/);
});

test("who has left takes its reputation along", async () => {
  const gone = "did:plc:cccccccccccccccccccccccc";
  sandbox.serve.core!.admission.join(gone, "Bob");
  sandbox.serve.core!.admission.leave(gone, { by: "bob", reason: "Moved" });
  const left = join(dir, "left.jws");
  await run(() => memberProof(gone, { env, out: left }));
  expect((await verify(left)).text).toMatch(/membership {2}since \S+Z until \S+Z, tier new/);
});

test("a proof by a key that was replaced says so", async () => {
  const next = (await Secp256k1Keypair.create()).did();
  await sandbox.world.repos.updateIdentity(labeler(), { verificationMethods: { atproto_label: next } });
  const { code, text } = await verify(file);
  expect(code).toBe(1);
  expect(text).toContain(`now names ${next}`);
  expect(text).not.toContain("signature is good");
});

import { generateKeyPairSync } from "node:crypto";
import { expect, test, vi } from "vitest";
import type { DomainPolicy } from "../../policy/index.ts";
import { createSigner, isSigned, withSignatures } from "./index.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const pem = rsa.export({ type: "pkcs8", format: "pem" }).toString();
const pool = generateKeyPairSync("ed25519").privateKey;
const head = Buffer.from("From: a@b.test\r\nSubject: x\r\n\r\n");
const domain = (keys: DomainPolicy["keys"]): DomainPolicy => ({
  name: "b.test",
  status: "active",
  returnPath: null,
  addedAt: 0,
  keys,
});
const own = domain([{ selector: "s", algorithm: "rsa", sealed: "sealed" }]);
const poolKeys = [{ domain: "pool.test", selector: "p", algorithm: "ed25519" as const, key: pool }];
const job = { head, bodyHash: "aGFzaA==", domain: own, now: Date.UTC(2026, 0, 1) };

test("a key is opened once; the body's hash is taken as it is", async () => {
  const open = vi.fn<(sealed: string) => Promise<string>>(async () => pem);
  const signer = createSigner({ open, poolKeys });
  const signed = await Promise.all(Array.from({ length: 20 }, () => signer.sign(job)));
  expect(open).toHaveBeenCalledOnce();
  expect(new Set(signed.map((text) => text.match(/^ bh=aGFzaA==;/gm)?.length))).toEqual(new Set([2]));
});

test("relaxed/relaxed, oversigned, with an end", async () => {
  const text = await createSigner({ open: async () => pem, poolKeys }).sign(job);
  expect(text.match(/c=relaxed\/relaxed/g)).toHaveLength(2);
  const names = /h=([^;]+);/.exec(text.replace(/\s/g, ""))![1]!.split(":");
  for (const name of ["from", "subject"]) expect(names.filter((n) => n === name)).toHaveLength(2);
  for (const name of ["to", "date", "message-id", "feedback-id"]) expect(names).toContain(name);
  const [, from, until] = /t=(\d+); x=(\d+);/.exec(text)!;
  expect(Number(until) - Number(from)).toBe(14 * 86_400);
});

test.each<[string, DomainPolicy, () => Promise<string>]>([
  ["a key does not open", own, () => Promise.reject(new Error("sealed to somebody else"))],
  ["a key is none", own, async () => "not a PEM"],
  ["a domain has no keys", domain([]), async () => pem],
])("no signature at all where %s", async (_name, wrong, open) => {
  await expect(createSigner({ open, poolKeys }).sign({ ...job, domain: wrong })).rejects.toThrow();
});

test("a key that did not open is asked for again", async () => {
  const open = vi
    .fn<(sealed: string) => Promise<string>>()
    .mockRejectedValueOnce(new Error("not now"))
    .mockResolvedValue(pem);
  const signer = createSigner({ open, poolKeys });
  await expect(signer.sign(job)).rejects.toThrow("not now");
  expect(await signer.sign(job)).toMatch(/^DKIM-Signature/);
});

test("what has our signatures on top is signed; a submitter's own do not count", async () => {
  const signatures = await createSigner({ open: async () => pem, poolKeys }).sign(job);
  expect(isSigned(withSignatures(signatures, head))).toBe(true);
  expect(isSigned(Buffer.from(`Received: by x\r\nDKIM-Signature: v=1\r\n${String(head)}`))).toBe(false);
});

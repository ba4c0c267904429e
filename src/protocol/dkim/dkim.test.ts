import { createHash, generateKeyPairSync } from "node:crypto";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import { describe, expect, test } from "vitest";
import { relaxedBodyHash } from "./body.ts";
import { parseHeader, relaxField, valueOf } from "./header.ts";
import { signMessage, type DkimKey } from "./sign.ts";

const now = Date.now();
const zone = new Map<string, string>();

function makeKey(domain: string, selector: string, algorithm: "rsa" | "ed25519"): DkimKey {
  const pair =
    algorithm === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ed25519");
  const der = pair.publicKey.export({ type: "spki", format: "der" });
  // RFC 8463 section 4.2: an Ed25519 key is published as its 32 bytes, not as SubjectPublicKeyInfo.
  const p = (algorithm === "rsa" ? der : der.subarray(-32)).toString("base64");
  zone.set(`${selector}._domainkey.${domain}`, `v=DKIM1; k=${algorithm}; p=${p}`);
  return { domain, selector, algorithm, key: pair.privateKey };
}

const keys = [
  makeKey("member.test", "r1", "rsa"),
  makeKey("member.test", "e1", "ed25519"),
  makeKey("pool.test", "p1", "rsa"),
];

async function resolver(name: string, type: string): Promise<string[][]> {
  const text = zone.get(name);
  if (type !== "TXT" || !text) throw Object.assign(new Error("none"), { code: "ENOTFOUND" });
  return [[text]];
}

async function verify(message: string, at = now): Promise<string[]> {
  const { results } = await dkimVerify(Buffer.from(message, "latin1"), { resolver, curTime: new Date(at) });
  return results.map((r) => `${r.signingDomain}/${r.algo}=${r.status.result}`);
}

const head =
  "From: Alice <alice@member.test>\r\nTo: bob@example.org\r\nSubject: a\r\n  folded\tsubject  \r\n" +
  "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@member.test>\r\nFeedback-ID: a:b:c:atmos\r\n\r\n";
const body = "Hello\t  world \r\n\r\n.leading dot\r\n \r\n\r\n\r\n";

async function signed(h = head, b = body, ks = keys): Promise<string> {
  const prefix = await signMessage({
    head: Buffer.from(h, "latin1"),
    body: Buffer.from(b, "latin1"),
    keys: ks,
    now,
  });
  return prefix + h + b;
}

const ALL = ["member.test/rsa-sha256=pass", "member.test/ed25519-sha256=pass", "pool.test/rsa-sha256=pass"];

describe("signMessage, judged by another implementation", () => {
  test.each<[string, string, string]>([
    ["a usual message", head, body],
    ["an empty body", head, ""],
    ["a body of empty lines only", head, "\r\n\r\n"],
    ["a body without a final line end", head, "no end"],
    ["eight-bit bytes in header and body", head.replace("Alice", "\u00c4l\u00efce"), "\u00fc\u00ff\r\n"],
    ["two To fields", "To: first@example.org\r\n" + head, body],
    ["a long body", head, "0123456789 abcdef\r\n".repeat(5000)],
  ])("all pass: %s", async (_name, h, b) => {
    expect(await verify(await signed(h, b))).toEqual(ALL);
  });

  test.each<[string, (message: string) => string]>([
    ["the body", (m) => m.replace("world", "w0rld")],
    ["the subject", (m) => m.replace("folded", "fooled")],
    ["a second From", (m) => "From: eve@evil.test\r\n" + m],
    ["a second Subject", (m) => "Subject: other\r\n" + m],
    ["a second To", (m) => "To: other@example.org\r\n" + m],
    ["the Feedback-ID taken away", (m) => m.replace(/Feedback-ID.*\r\n/, "")],
  ])("none passes after tampering with %s", async (_name, tamper) => {
    const results = await verify(tamper(await signed()));
    expect(results).toHaveLength(3);
    expect(results.filter((r) => r.endsWith("=pass"))).toEqual([]);
  });

  test("whitespace that relaxed canonicalisation ignores may change", async () => {
    const moved = (await signed())
      .replace("Hello\t  world ", "Hello world")
      .replace("Subject: a", "SUBJECT:  a");
    expect(await verify(moved)).toEqual(ALL);
  });

  test("a signature lives for 14 days", async () => {
    const message = await signed();
    expect(await verify(message, now + 13 * 86_400_000)).toEqual(ALL);
    expect((await verify(message, now + 15 * 86_400_000)).filter((r) => r.endsWith("=pass"))).toEqual([]);
  });

  test("no line is longer than 78 characters", async () => {
    const lines = (await signed()).split("\r\n\r\n")[0]!.split("\r\n");
    expect(lines.filter((line) => line.length > 78)).toEqual([]);
  });

  test("a key that cannot sign is an error, not a missing signature", async () => {
    const bad = { ...keys[0]!, key: generateKeyPairSync("x25519").privateKey };
    await expect(signed(head, body, [keys[0]!, bad])).rejects.toThrow();
  });
});

const sha = (text: string) => createHash("sha256").update(text, "latin1").digest("base64");

describe("relaxed canonical form (RFC 6376 section 3.4.5 and 3.4.4)", () => {
  test.each<[string, string]>([
    [" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"],
    ["", ""],
    ["\r\n", ""],
    ["\r\n\r\n\r\n", ""],
    ["a", "a\r\n"],
    ["a\r\n \t \r\nb\r\n", "a\r\n\r\nb\r\n"],
    ["\r\n\r\na", "\r\n\r\na\r\n"],
    ["a\rb\r\n", "a\rb\r\n"],
    ["a\tb\t\r\n", "a b\r\n"],
    ["x".repeat(40_000) + " \r\n", "x".repeat(40_000) + "\r\n"],
  ])("body %j", (input, canonical) => {
    const whole = relaxedBodyHash();
    whole.update(Buffer.from(input, "latin1"));
    expect(whole.digest()).toBe(sha(canonical));
    const bytewise = relaxedBodyHash();
    for (const byte of Buffer.from(input, "latin1")) bytewise.update(Uint8Array.of(byte));
    expect(bytewise.digest()).toBe(sha(canonical));
  });

  test("long bodies with changes in them, in pieces of any size", () => {
    const pieces = ["x".repeat(700), "word", " ", "  ", "\t", "\r\n", "\r\n\r\n", "\r", " \r\n", "\xe9", "."];
    for (let round = 0; round < 200; round++) {
      let input = "";
      for (let n = 0; n < 60; n++) input += pieces[(n * n + n * round + (round >> 3)) % pieces.length];
      const lines = input.split("\r\n").map((line) => line.replace(/[ \t]+/g, " ").replace(/ $/, ""));
      const canonical = lines.join("\r\n").replace(/(?:\r\n)+$/, "");
      const hash = relaxedBodyHash();
      const bytes = Buffer.from(input, "latin1");
      const step = 1 + round * 13;
      for (let i = 0; i < bytes.length; i += step) hash.update(bytes.subarray(i, i + step));
      expect(hash.digest(), JSON.stringify([round, input])).toBe(
        sha(canonical === "" ? "" : `${canonical}\r\n`),
      );
    }
  });

  test.each<[string, string]>([
    ["A: X", "a:X"],
    ["B : Y\t\r\n\tZ  ", "b:Y Z"],
    ["Subject:a  b", "subject:a b"],
    ["X:", "x:"],
  ])("field %j", (input, canonical) => {
    expect(relaxField(input)).toBe(canonical);
  });

  test("a header block is read field by field", () => {
    const fields = parseHeader("A: X\r\nB : Y\t\r\n\tZ  \r\n\r\nC: body\r\n");
    expect(fields.map((f) => [f.name, valueOf(f)])).toEqual([
      ["a", "X"],
      ["b", "Y\t\tZ"],
    ]);
  });
});

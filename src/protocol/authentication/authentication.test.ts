import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { describe, expect, test } from "vitest";
import { parseHeader } from "../dkim/index.ts";
import type { DnsAnswer, DnsType, Resolver } from "../dns/index.ts";
import { withinBounds } from "./bounds.ts";
import { authenticateMail } from "./index.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" }).toString("base64");
const zone: Record<string, string> = {
  "s1._domainkey.away.test": `v=DKIM1; k=rsa; p=${publicKey}`,
  "away.test": "v=spf1 ip4:192.0.2.1 -all",
  "_dmarc.away.test": "v=DMARC1; p=reject",
};
const arrival = { ip: "192.0.2.1", helo: "mx.away.test", mailFrom: "ada@away.test" };
const letter = "From: Ada <ada@away.test>\r\nTo: x\r\nSubject: y\r\n\r\nHello\r\n";

function resolving(asked: string[] = [], hangs: (name: string) => boolean = () => false): Resolver {
  return {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      asked.push(name);
      if (hangs(name)) return new Promise(() => undefined);
      const text = type === "TXT" ? zone[name.toLowerCase().replace(/\.$/, "")] : undefined;
      return (
        text === undefined
          ? { status: "nxdomain", authentic: false }
          : { status: "ok", authentic: false, ttl: 60, records: [{ text }] }
      ) as DnsAnswer<T>;
    },
  };
}
const judge = (raw: string, options: Partial<Parameters<typeof authenticateMail>[2]> = {}) =>
  authenticateMail(Buffer.from(raw, "latin1"), arrival, {
    resolver: resolving(),
    hostname: "mx.pool.test",
    ...options,
  });
const signed = async (raw: string) => {
  const key = {
    signingDomain: "away.test",
    selector: "s1",
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
  return (await dkimSign(raw, { ...key, signatureData: [key] })).signatures + raw;
};

const signature = (n: number, tags = "c=relaxed/relaxed;") =>
  `DKIM-Signature: v=1; a=rsa-sha256; ${tags} d=d${n}.test; s=s; h=from; bh=AAAA; b=AAAA\r\n`;
const many = (count: number, tags: (n: number) => string = () => "c=relaxed/relaxed;") =>
  Array.from({ length: count }, (_, n) => signature(n, tags(n))).join("");

test("a mail of three chunks that is signed by its sender", async () => {
  const raw = await signed(`${letter}${"a  line of words\t\r\n".repeat(6_000)}`);
  expect(await judge(raw)).toMatchObject({
    spf: { result: "pass" },
    dkim: [{ domain: "away.test", result: "pass" }],
    dmarc: { result: "pass" },
  });
});

test("without a body, and without a header", async () => {
  expect((await judge(letter.split("\r\n\r\n")[0]!)).dmarc.result).toBe("pass");
  expect((await judge("")).dmarc.result).toBe("none");
});

describe("of the signatures of a mail", () => {
  test.each<[string, string, number]>([
    ["eight of nine", many(9), 8],
    ["three of eight that each ask for another length", many(8, (n) => `c=relaxed/relaxed; l=${n};`), 3],
    [
      "three hashes, however they are written",
      many(4, (n) => ` c = ${n % 2 ? "SIMPLE" : "Relaxed"} / simple ; l\r\n =\t${n};`),
      3,
    ],
    [
      "all that ask for the same, whatever algorithm signs it",
      many(4, () => "a=ed25519-sha256; c=simple/relaxed;"),
      4,
    ],
    ["none that names a thousand fields", many(1, () => `h=${"x:".repeat(1_000)};`), 0],
  ])("%s are judged", (_, head, count) => {
    const kept = withinBounds(parseHeader(`${head}${letter}`));
    expect(kept.filter(({ name }) => name === "dkim-signature")).toHaveLength(count);
    expect(kept.filter(({ name }) => name !== "dkim-signature")).toHaveLength(3);
  });

  test("the sender's own, which stands on top of hundreds, counts", async () => {
    const raw = await signed(letter);
    const end = raw.indexOf("\r\nFrom:") + 2;
    const found = await judge(`${raw.slice(0, end)}${many(500, (n) => `l=${n};`)}${raw.slice(end)}`);
    expect(found.dkim[0]).toMatchObject({ domain: "away.test", result: "pass" });
  });
});

test("hundreds of signatures over a megabyte hold nobody up", async () => {
  let last = performance.now();
  let worst = 0;
  const watch = setInterval(() => {
    worst = Math.max(worst, performance.now() - last);
    last = performance.now();
  }, 1);
  await judge(`${many(600, (n) => `l=${1_000_000 + n};`)}${letter}${"a  b\t\r\n".repeat(150_000)}`);
  clearInterval(watch);
  expect(worst).toBeLessThan(1_000);
});

test("when the time is over, what hangs is not known, and what is known stays", async () => {
  const stop = new AbortController();
  const asked: string[] = [];
  const found = judge(await signed(letter), {
    resolver: resolving(asked, (name) => {
      if (name.startsWith("_dmarc")) stop.abort();
      return name.startsWith("_dmarc");
    }),
    signal: stop.signal,
  });
  expect(await found).toMatchObject({ spf: { result: "pass" }, dmarc: { result: "temperror" } });
});

test("the results are ASCII on folded lines, whatever strangers call themselves", async () => {
  // U+010D and U+010A are CR and LF where somebody cuts characters down to octets.
  const sly = "x\u010d\u010aX-Evil: y\u202e";
  const raw = Buffer.from(
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=${sly}.test; s=s\rX-Evil:1; h=from; bh=AAAA; b=AAAA\r\n${letter}`,
  );
  const found = await authenticateMail(
    raw,
    { ip: "192.0.2.1", helo: sly, mailFrom: `${sly}@away.test` },
    { resolver: resolving(), hostname: "mx.pool.test" },
  );
  expect(found.results).toMatch(/^(?:[\x20-\x7e\t]|\r\n[ \t])+$/);
  expect(found.results).toContain("X-Evil");
});

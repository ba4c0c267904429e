import { expect, test } from "vitest";
import { startNsd, type Nsd } from "./nsd.ts";
import { complete } from "./process.ts";
import { startUnbound } from "./unbound.ts";

const records = ["mail.member.test. A 127.0.0.9"];

async function dig({ host, port }: { host: string; port: number }, ...question: string[]) {
  const { stdout } = await complete("dig", [`@${host}`, "-p", String(port), "+dnssec", ...question]);
  return {
    status: /status: (\w+)/.exec(stdout)?.[1],
    validated: /flags: [^;]*\bad\b/.test(stdout),
    signed: /\sRRSIG\s+A\s/.test(stdout),
    address: /\sA\s+(127\S+)/.exec(stdout)?.[1],
  };
}

const serve = (signatures: "good" | "broken" | "expired" | "none"): Promise<Nsd> =>
  startNsd([{ name: "member.test", records, signatures }]);

test("nsd serves a signed zone, another version of it, and nothing else", async () => {
  await using nsd = await serve("good");
  expect(await dig(nsd, "mail.member.test", "A")).toMatchObject({
    status: "NOERROR",
    signed: true,
    address: "127.0.0.9",
  });
  expect(await dig(nsd, "other.test", "A")).toMatchObject({ status: "REFUSED" });
  await nsd.put({ name: "member.test", records: ["mail.member.test. A 127.0.0.10"], signatures: "none" });
  expect(await dig(nsd, "mail.member.test", "A")).toMatchObject({ signed: false, address: "127.0.0.10" });
});

test.each([
  ["good", "NOERROR", true],
  ["broken", "SERVFAIL", false],
  ["expired", "SERVFAIL", false],
  ["none", "SERVFAIL", false],
] as const)(
  "unbound, given the zone's key, judges %s signatures: %s",
  async (signatures, status, validated) => {
    await using nsd = await serve(signatures);
    await using unbound = await startUnbound({ dns: nsd, trustAnchors: [nsd.anchor("member.test")] });
    expect(await dig(unbound, "mail.member.test", "A")).toMatchObject({ status, validated });
    expect(await dig(unbound, "mail.member.test", "A", "+cd")).toMatchObject({
      status: "NOERROR",
      address: "127.0.0.9",
    });
  },
);

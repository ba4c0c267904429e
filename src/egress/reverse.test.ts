import { afterEach, describe, expect, test } from "vitest";
import { createResolver, startDnsServer, type DnsRecord, type DnsServer } from "../platform/dns/index.ts";
import { reverseName } from "../protocol/dns/index.ts";
import { askReverse, judgeReverse } from "./reverse.ts";

let server: DnsServer | undefined;
afterEach(async () => server?.close());

type World = { ptr?: string[]; a?: Record<string, string[]>; broken?: string[] };

async function look(address: string, ehlo: string, { ptr = [], a = {}, broken = [] }: World) {
  server = await startDnsServer({
    host: "127.0.0.1",
    port: 0,
    answer({ name, type }) {
      if (broken.includes(name)) return { status: "servfail", answers: [], authoritative: true };
      const answers: DnsRecord[] =
        type === "PTR" && name === reverseName(address)
          ? ptr.map((target) => ({ name, type: "PTR", ttl: 60, data: { target } }))
          : type === "A" || type === "AAAA"
            ? (a[name] ?? [])
                .filter((found) => found.includes(":") === (type === "AAAA"))
                .map((found) => ({ name, type, ttl: 60, data: { address: found } }))
            : [];
      return { status: answers.length > 0 ? "ok" : "nxdomain", answers, authoritative: true };
    },
  });
  const resolver = createResolver({ servers: [`127.0.0.1:${server.port}`], tries: 1, timeoutMs: 2_000 });
  return judgeReverse({ address, ehlo }, await askReverse(resolver, { address, ehlo }), 7);
}

describe("PTR and forward confirmation", () => {
  const IP = "192.0.2.1";
  const MX = "mx1.coop.example";

  test.each<[string, string, World, { confirmed: boolean; ehlo: boolean } | undefined, string | undefined]>([
    [
      "all is as it should be",
      IP,
      { ptr: [MX], a: { [MX]: [IP] } },
      { confirmed: true, ehlo: true },
      undefined,
    ],
    [
      "one of two names",
      IP,
      { ptr: ["old.example", MX], a: { [MX]: ["192.0.2.7", IP] } },
      { confirmed: true, ehlo: true },
      undefined,
    ],
    ["no PTR", IP, { a: { [MX]: [IP] } }, { confirmed: false, ehlo: true }, "has no PTR record"],
    [
      "the PTR leads elsewhere",
      IP,
      { ptr: ["h1.provider.example"], a: { [MX]: [IP] } },
      { confirmed: false, ehlo: true },
      "does not lead back",
    ],
    [
      "the EHLO name leads nowhere",
      IP,
      { ptr: ["h1.example"], a: { "h1.example": [IP] } },
      { confirmed: true, ehlo: false },
      "(said in EHLO) does not lead",
    ],
    [
      "two names that are both true",
      IP,
      { ptr: ["h1.example"], a: { "h1.example": [IP], [MX]: [IP] } },
      { confirmed: true, ehlo: true },
      "let them be the same name",
    ],
    [
      "IPv6, spelled otherwise",
      "2001:db8::1",
      { ptr: [MX], a: { [MX]: ["2001:0db8:0:0:0:0:0:1"] } },
      { confirmed: true, ehlo: true },
      undefined,
    ],
    ["the DNS is down", IP, { broken: [reverseName(IP)!] }, undefined, undefined],
    ["half of the DNS is down", IP, { ptr: [MX], broken: [MX] }, undefined, undefined],
  ])("%s", async (_, address, world, expected, problem) => {
    const found = await look(address, MX, world);
    if (expected === undefined) return expect(found).toBeUndefined();
    expect(found).toMatchObject({ ...expected, checkedAt: 7 });
    if (problem === undefined) expect(found!.problem).toBeUndefined();
    else expect(found!.problem).toContain(problem);
  });
});

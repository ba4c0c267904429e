import { afterEach, describe, expect, test } from "vitest";
import { createResolver, startDnsServer, type DnsReply, type DnsServer } from "../platform/dns/index.ts";
import type { DnsAnswer } from "../protocol/dns/index.ts";
import { afterLook, askList, faultOfList, listName, readAnswer, shownList, type Said } from "./blocklist.ts";
import type { Listing } from "./types.ts";

const answer = (...addresses: string[]): DnsAnswer<"A"> => ({
  status: "ok",
  authentic: false,
  records: addresses.map((address) => ({ address, ttl: 60 })),
});

describe("an answer of a list", () => {
  test.each<[string, DnsAnswer<"A">, Said["state"], string]>([
    ["nothing is there", { status: "nxdomain", authentic: false }, "clear", "nxdomain"],
    ["a name without addresses", { status: "nodata", authentic: false }, "clear", "nodata"],
    ["no answer is not an absence", { status: "temperror", detail: "SERVFAIL" }, "silent", "SERVFAIL"],
    ["listed", answer("127.0.0.2"), "listed", "127.0.0.2"],
    ["listed twice", answer("127.0.0.2", "127.0.0.9"), "listed", "127.0.0.2, 127.0.0.9"],
    ["on the policy list of Spamhaus", answer("127.0.0.10"), "listed", "127.0.0.10"],
    ["Spamhaus, the name is mistyped", answer("127.255.255.252"), "unusable", "mistyped"],
    ["Spamhaus, a public resolver", answer("127.255.255.254"), "unusable", "public resolver"],
    ["Spamhaus, too many queries", answer("127.255.255.255"), "unusable", "too many"],
    ["a refusal beside a listing", answer("127.0.0.2", "127.255.255.254"), "unusable", "public resolver"],
    ["a parked domain", answer("203.0.113.7"), "unusable", "no code of a blocklist"],
    ["127.0.0.1 lists nobody", answer("127.0.0.1"), "clear", "127.0.0.1"],
  ])("%s", (_, given, state, evidence) => {
    const said = readAnswer(given);
    expect(said.state).toBe(state);
    expect(said.evidence).toContain(evidence);
  });

  test("the names to ask", () => {
    expect(listName("192.0.2.99", "bad.example")).toBe("99.2.0.192.bad.example");
    expect(listName("2001:db8::1", "bad.example")).toBe(
      `${"1.0.0.0.".repeat(1)}${"0.0.0.0.".repeat(5)}8.b.d.0.1.0.0.2.bad.example`,
    );
    expect(listName("not an address", "bad.example")).toBeUndefined();
    expect(shownList("abcdefghij0123456789abcdef.zen.dq.spamhaus.net")).toBe("zen.dq.spamhaus.net");
    expect(shownList("bl.spamcop.net")).toBe("bl.spamcop.net");
  });
});

describe("after a look", () => {
  const at = { list: "bad.example", now: 1_000 };
  const listed: Said = { state: "listed", evidence: "127.0.0.2", codes: ["127.0.0.2"], text: "spam" };
  const clear: Said = { state: "clear", evidence: "nxdomain" };
  const silent: Said = { state: "silent", evidence: "no answer" };
  const unusable: Said = { state: "unusable", evidence: "closed" };

  test.each<[string, Said[], boolean, number]>([
    ["listed counts at once", [clear, listed], true, 0],
    ["one clear answer is not the end of it", [listed, clear], true, 1],
    ["two are", [listed, clear, clear], false, 2],
    ["listed between them begins anew", [listed, clear, listed, clear], true, 1],
    ["silence ends no listing", [listed, silent, silent, silent], true, 0],
    ["nor does a list that closed", [listed, unusable, unusable], true, 0],
    ["silence between clear answers changes nothing", [listed, clear, silent, clear], false, 2],
    ["a list that refuses lists nobody", [unusable, unusable], false, 0],
    ["never looked, and clear", [clear], false, 1],
  ])("%s", (_, looks, isListed, count) => {
    let known: Listing | undefined;
    for (const said of looks) known = afterLook(known, said, at);
    expect(known!.listed !== undefined).toBe(isListed);
    expect(known!.clear).toBe(count);
    expect(known!.state).toBe(looks.at(-1)!.state);
  });

  test.each<[string, Said, boolean]>([
    ["silence", silent, false],
    ["a list that closed", unusable, false],
    ["a list that still says so", listed, true],
  ])("three days later: %s", (_, said, isListed) => {
    const DAY = 86_400_000;
    const first = afterLook(undefined, listed, { ...at, now: 5 });
    const soon = afterLook(first, said, { ...at, now: 5 + 2 * DAY });
    expect(soon.listed).toBeDefined();
    expect(afterLook(soon, said, { ...at, now: 5 + 3 * DAY }).listed !== undefined).toBe(isListed);
    // Of what an older version wrote down nobody knows when it was heard.
    const { heardAt: _heard, ...old } = first;
    expect(afterLook(old as Listing, silent, { ...at, now: 5 + 9 * DAY }).listed).toBeDefined();
  });

  test("a listing is as old as its first sight", () => {
    const first = afterLook(undefined, listed, { ...at, now: 5 });
    expect(afterLook(first, listed, { ...at, now: 50 }).listed).toEqual({
      since: 5,
      codes: ["127.0.0.2"],
      text: "spam",
    });
  });
});

describe("lists behind a real name server", () => {
  let server: DnsServer | undefined;
  afterEach(async () => server?.close());

  /** `names`: what is listed, by its whole name. Whatever is not there does not exist. */
  async function resolverOver(names: Record<string, string>, broken: string[] = []) {
    server = await startDnsServer({
      host: "127.0.0.1",
      port: 0,
      answer({ name, type }): DnsReply {
        if (broken.some((zone) => name.endsWith(zone)))
          return { status: "servfail", answers: [], authoritative: true };
        const code = names[name];
        if (code === undefined) return { status: "nxdomain", answers: [], authoritative: true };
        const record =
          type === "TXT"
            ? ({ name, type: "TXT", ttl: 60, data: { text: `why \u0007 ${name}` } } as const)
            : ({ name, type: "A", ttl: 60, data: { address: code } } as const);
        return { status: "ok", answers: [record], authoritative: true };
      },
    });
    return createResolver({ servers: [`127.0.0.1:${server.port}`], tries: 1, timeoutMs: 2_000 });
  }

  const mapped = (last: string) => listName(`::ffff:127.0.0.${last}`, "good.test")!;

  test("a sound list, an address on it, and its words without control characters", async () => {
    const resolver = await resolverOver({
      "2.0.0.127.good.test": "127.0.0.2",
      [mapped("2")]: "127.0.0.2",
      "9.2.0.192.good.test": "127.0.0.4",
    });
    expect(await faultOfList(resolver, "good.test", 4)).toBeUndefined();
    expect(await faultOfList(resolver, "good.test", 6)).toBeUndefined();
    expect(await askList(resolver, "good.test", "192.0.2.9")).toEqual({
      state: "listed",
      evidence: "127.0.0.4",
      codes: ["127.0.0.4"],
      text: "why 9.2.0.192.good.test",
    });
    expect(await askList(resolver, "good.test", "192.0.2.8")).toMatchObject({ state: "clear" });
  });

  test.each<[string, Record<string, string>, string[], 4 | 6, string, string]>([
    ["closed", {}, [], 4, "unusable", "its test entry 127.0.0.2 is not listed"],
    [
      "lists everybody",
      { "2.0.0.127.good.test": "127.0.0.2", "1.0.0.127.good.test": "127.0.0.2" },
      [],
      4,
      "unusable",
      "so everybody",
    ],
    ["refuses us", { "2.0.0.127.good.test": "127.255.255.254" }, [], 4, "unusable", "refuses this resolver"],
    [
      "was taken over",
      { "2.0.0.127.good.test": "203.0.113.1", "1.0.0.127.good.test": "203.0.113.1" },
      [],
      4,
      "unusable",
      "no code of a blocklist",
    ],
    ["is down", {}, ["good.test"], 4, "silent", "SERVFAIL"],
    ["knows no IPv6", { "2.0.0.127.good.test": "127.0.0.2" }, [], 6, "unusable", "knows no IPv6"],
  ])("a list that %s says nothing", async (_, names, broken, family, state, evidence) => {
    const resolver = await resolverOver(names, broken);
    expect(await faultOfList(resolver, "good.test", family)).toMatchObject({
      state,
      evidence: expect.stringContaining(evidence),
    });
  });
});

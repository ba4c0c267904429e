import { afterEach, describe, expect, it } from "vitest";
import { createResolver } from "../platform/dns/index.ts";
import { createZones, startDevnetDns, type Zones } from "./dns.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function serve(zones: Zones): Promise<string> {
  const server = await startDevnetDns({ zones, host: "127.0.0.1", port: 0 });
  open.push(server);
  return `127.0.0.1:${server.port}`;
}

function sample(): Zones {
  const zones = createZones();
  zones.addZone("alder.test");
  zones.set("alder.test", "MX", { preference: 10, exchange: "mx.alder.test" });
  zones.set("mx.alder.test", "A", { address: "127.0.0.2" });
  zones.set("sel1._domainkey.alder.test", "CNAME", { target: "m1.pool.test" });
  zones.set("loop.alder.test", "CNAME", { target: "loop2.alder.test" });
  zones.set("loop2.alder.test", "CNAME", { target: "loop.alder.test" });
  zones.set("dangling.alder.test", "CNAME", { target: "nothing.alder.test" });
  return zones;
}

describe("zones", () => {
  it.each([
    ["alder.test", "MX", "ok"],
    ["alder.test", "A", "nodata"],
    ["_domainkey.alder.test", "TXT", "nodata"],
    ["nothing.alder.test", "A", "nxdomain"],
    ["birch.test", "A", "nxdomain"],
    ["example.com", "A", "refused"],
    ["dangling.alder.test", "A", "nxdomain"],
    ["loop.alder.test", "A", "servfail"],
    ["loop.alder.test", "CNAME", "ok"],
  ])("%s %s is %s", async (name, type, status) => {
    const reply = await sample().answer({ name, type });
    expect(reply.status).toBe(status);
    if (status === "nodata" || status === "nxdomain") {
      expect(reply.authority?.map((record) => record.type)).toEqual(["SOA"]);
    }
  });

  it("gives validated answers from signed names alone, all the way of a CNAME", async () => {
    const zones = sample();
    zones.addZone("birch.test");
    zones.set("birch.test", "A", { address: "127.0.0.3" });
    zones.set("www.birch.test", "CNAME", { target: "mx.alder.test" });
    zones.sign("birch.test");
    const resolver = createResolver({ servers: [await serve(zones)] });
    const authentic = async (name: string) => {
      const answer = await resolver.resolve(name, "A");
      return answer.status !== "temperror" && answer.authentic;
    };
    const names = ["birch.test", "none.birch.test", "www.birch.test", "mx.alder.test"];
    expect(await Promise.all(names.map(authentic))).toEqual([true, true, false, false]);
  });

  it("is edited while it serves", async () => {
    const zones = sample();
    const resolver = createResolver({ servers: [await serve(zones)] });
    expect(await resolver.resolve("_dmarc.alder.test", "TXT")).toMatchObject({ status: "nxdomain" });
    zones.set("_dmarc.alder.test", "TXT", { text: "v=DMARC1; p=none" });
    zones.add("_dmarc.alder.test", "TXT", { text: "second" });
    expect(await resolver.resolve("_DMARC.alder.test", "TXT")).toMatchObject({
      status: "ok",
      records: [{ text: "v=DMARC1; p=none" }, { text: "second" }],
    });
    zones.fail("alder.test", true);
    expect(await resolver.resolve("_dmarc.alder.test", "TXT")).toMatchObject({ status: "temperror" });
    zones.fail("alder.test", false);
    zones.set("_dmarc.alder.test", "TXT");
    expect(await resolver.resolve("_dmarc.alder.test", "TXT")).toMatchObject({ status: "nxdomain" });
  });

  it("passes a sub-zone to its own server, and follows CNAMEs into it and out of it", async () => {
    const pool = createZones();
    pool.addZone("pool.test");
    pool.set("m1.pool.test", "TXT", { text: "v=DKIM1; p=abc" });
    pool.set("out.pool.test", "CNAME", { target: "mx.alder.test" });
    const poolServer = await serve({ ...pool, answer: async (q) => within(await pool.answer(q)) });
    const zones = sample();
    zones.forward("pool.test", poolServer);
    const resolver = createResolver({ servers: [await serve(zones)] });
    expect(await resolver.resolve("sel1._domainkey.alder.test", "TXT")).toMatchObject({
      status: "ok",
      records: [{ text: "v=DKIM1; p=abc" }],
    });
    expect(await resolver.resolve("out.pool.test", "A")).toMatchObject({
      status: "ok",
      records: [{ address: "127.0.0.2" }],
    });
    expect(await resolver.resolve("none.pool.test", "A")).toMatchObject({ status: "nxdomain" });
  });

  it("refuses what no zone file could hold", () => {
    const zones = sample();
    expect(() => zones.set("a.example.com", "A", { address: "192.0.2.1" })).toThrow(/addZone/);
    expect(() => zones.set("alder.test", "CNAME", { target: "x.test" })).toThrow(/CNAME/);
  });
});

/** An authoritative server that knows only its own zone gives the CNAME and leaves its target to others. */
function within<T extends { answers: { name: string }[]; status: string }>(reply: T): T {
  const answers = reply.answers.filter((record) => record.name.endsWith("pool.test"));
  return answers.length > 0 ? { ...reply, status: "ok", answers } : reply;
}

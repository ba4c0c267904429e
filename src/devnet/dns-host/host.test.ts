import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Database } from "../../platform/database.ts";
import { createZones } from "../dns.ts";
import { createDnsHost, dnsHostMigration } from "./host.ts";
import { parseZoneLines } from "./zone-lines.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function start(path = ":memory:") {
  const db = new Database(path, [dnsHostMigration]);
  const zones = createZones();
  const host = createDnsHost({ db, zones });
  const add = (text: string, zone = "willow.test") => {
    const read = parseZoneLines(text, zone);
    if (!read.ok) throw new Error(read.faults.map(({ why }) => why).join());
    return host.add(zone, read.records);
  };
  const ask = async (name: string, type: "TXT" | "MX" | "CNAME") => {
    const { status, answers } = await zones.answer({ name, type });
    return [status, ...answers.map((record) => ("text" in record.data ? record.data.text : record.type))];
  };
  return { db, zones, host, add, ask };
}

describe("the DNS host", () => {
  it("answers what is written, and keeps it over a restart", async () => {
    const directory = mkdtempSync(join(tmpdir(), "dns-host-"));
    closers.push(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "world.sqlite");
    const first = start(path);
    first.host.addZone("willow.test", `@ TXT "v=spf1 -all"`);
    expect(first.add(`@ MX 10 mx.mail.test\n_dmarc TXT "v=DMARC1; p=none"`)).toEqual({ ok: true });
    expect(first.add(`_dmarc TXT "v=DMARC1; p=none"`)).toEqual({ ok: true });
    first.host.fail("willow.test", true);
    expect(await first.ask("_dmarc.willow.test", "TXT")).toEqual(["servfail"]);
    first.host.fail("willow.test", false);
    expect(await first.ask("_dmarc.willow.test", "TXT")).toEqual(["ok", "v=DMARC1; p=none"]);
    first.db.close();

    const second = start(path);
    closers.push(() => second.db.close());
    second.host.addZone("willow.test", `@ TXT "another"`);
    expect(await second.ask("willow.test", "TXT")).toEqual(["ok", "v=spf1 -all"]);
    expect(await second.ask("willow.test", "MX")).toEqual(["ok", "MX"]);
    second.host.remove("willow.test", `willow.test. TXT "v=spf1 -all"`);
    expect(await second.ask("willow.test", "TXT")).toEqual(["nodata"]);
    expect(second.host.zone("willow.test")?.records).toEqual([
      `_dmarc.willow.test. TXT "v=DMARC1; p=none"`,
      "willow.test. MX 10 mx.mail.test.",
    ]);
  });

  it("keeps two records of one type beside each other, as any host does", async () => {
    const { host, add, ask } = start();
    host.addZone("willow.test", `@ TXT "v=spf1 a -all"`);
    add(`@ TXT "v=spf1 mx -all"`);
    expect(await ask("willow.test", "TXT")).toEqual(["ok", "v=spf1 a -all", "v=spf1 mx -all"]);
  });

  it.each([
    ["beside a text", `a TXT "x"`, "a CNAME b.test"],
    ["at the zone itself", "", "@ CNAME b.test"],
    ["beside another", "a CNAME b.test", "a CNAME c.test"],
    ["before a text", "a CNAME b.test", `a TXT "x"`],
    ["with a text, at once", "", `a CNAME b.test\na TXT "x"`],
  ])("refuses an alias %s, and changes nothing", (_where, there, wanted) => {
    const { host, add } = start();
    host.addZone("willow.test", there);
    const before = host.zone("willow.test");
    expect(add(`${wanted}\nc TXT "y"`)).toMatchObject({ ok: false });
    expect(host.zone("willow.test")).toEqual(before);
  });

  it("gives zones below test to whoever asks, each once", () => {
    const { host } = start();
    expect(host.register(" Poppy.test. ")).toEqual({ ok: true, zone: "poppy.test" });
    expect(host.register("poppy.test")).toMatchObject({ ok: false });
    expect(host.register("test")).toMatchObject({ ok: false });
    expect(host.register("a.poppy.test")).toMatchObject({ ok: false });
    expect(host.zones().map(({ name }) => name)).toEqual(["poppy.test"]);
  });

  it("bounds what a zone holds", () => {
    const { host, add } = start();
    host.addZone("willow.test");
    const many = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `n${from + i} TXT "x"`).join("\n");
    expect(add(many(0, 200))).toEqual({ ok: true });
    expect(add(many(0, 200))).toEqual({ ok: true });
    expect(add(many(200, 201))).toMatchObject({ ok: false });
  });
});

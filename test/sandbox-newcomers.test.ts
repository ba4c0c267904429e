import { afterAll, beforeAll, expect, test } from "vitest";
import { createResolver } from "../src/platform/dns/index.ts";
import type { Resolver } from "../src/protocol/dns/index.ts";
import { openSandbox } from "./open-sandbox.ts";

let opened: Awaited<ReturnType<typeof openSandbox>>;
let dns: Resolver;

beforeAll(async () => {
  opened = await openSandbox();
  dns = createResolver({ servers: opened.sandbox.config.DNS_SERVERS ?? [] });
}, 60_000);
afterAll(() => opened.close());

const pageOf = (zone: string) => `${opened.sandbox.urls.dns}${zone === "" ? "" : `/${zone}`}`;

/** What a browser sends from a page of the DNS host. */
async function send(zone: string, fields: Record<string, string>, origin?: string) {
  const url = new URL(pageOf(zone));
  const response = await fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { origin: origin ?? url.origin },
    body: new URLSearchParams(fields),
  });
  return { status: response.status, page: await response.text() };
}

test("newcomers have handles that resolve, and domains that say nothing of mail yet", async () => {
  const { sandbox } = opened;
  expect(sandbox.newcomers).toEqual(["ada.pds.test", "ben.pds.test", "cleo.pds.test"]);
  for (const handle of [...sandbox.newcomers, "alder.test"]) {
    const { did } = await sandbox.world.repos.createAccount({ handle });
    expect(await dns.resolve(`_atproto.${handle}`, "TXT")).toMatchObject({
      records: [{ text: `did=${did}` }],
    });
  }
  const committee = await sandbox.world.repos.createAccount({ handle: "dora.pds.test" });
  expect(sandbox.config.COMMITTEE_DIDS).toEqual([committee.did]);
  expect(await dns.resolve("willow.test", "TXT")).toMatchObject({ status: "nodata" });
  expect(await dns.resolve("_dmarc.yarrow.test", "TXT")).toMatchObject({ status: "nxdomain" });
  expect(await dns.resolve("zinnia.test", "MX")).toMatchObject({ records: [{ exchange: "mx.post.test" }] });
});

test("what somebody pastes or types at the DNS host is answered, and what has a fault is not", async () => {
  const page = async () => (await fetch(pageOf("willow.test"))).text();
  const lines = `_email-attestation.willow.test. TXT "did=did:plc:x"\nbounce CNAME bounce.coop.test`;
  expect((await send("willow.test", { action: "paste", lines })).status).toBe(303);
  expect(await page()).toContain(`value="bounce.willow.test. CNAME bounce.coop.test."`);
  expect(await dns.resolve("_email-attestation.willow.test", "TXT")).toMatchObject({
    records: [{ text: "did=did:plc:x" }],
  });
  const bad = await send("willow.test", { action: "paste", lines: `a TXT "x"\nb A <script>` });
  expect(bad).toMatchObject({
    status: 400,
    page: expect.stringContaining("Line 2: A takes an IPv4 address"),
  });
  expect(bad.page).not.toContain("<script>");
  expect(await page()).not.toContain("a.willow.test");

  const typed = { action: "add", name: "_dmarc", type: "TXT", value: "v=DMARC1; p=none" };
  expect((await send("willow.test", typed)).status).toBe(303);
  expect(await page()).toContain(`value="_dmarc.willow.test. TXT`);
  await send("willow.test", { action: "remove", line: `_dmarc.willow.test. TXT "v=DMARC1; p=none"` });
  expect(await page()).not.toContain(`value="_dmarc.willow.test. TXT`);

  await send("yarrow.test", { action: "fail", failing: "yes" });
  expect(await dns.resolve("x.yarrow.test", "TXT")).toMatchObject({ status: "temperror" });
  await send("yarrow.test", { action: "fail", failing: "no" });
});

test("the DNS host serves whoever takes a domain there, and nobody else's page", async () => {
  expect((await send("", { name: "poppy.test" })).status).toBe(303);
  expect(await send("", { name: "coop.test" })).toMatchObject({ status: 400 });
  expect(await send("coop.test", { action: "paste", lines: `x TXT "x"` })).toMatchObject({ status: 404 });
  const foreign = await send("poppy.test", { action: "paste", lines: `x TXT "x"` }, "http://evil.test");
  expect(foreign.status).toBe(403);
});

import { describe, expect, test } from "vitest";
import { warnedMember } from "../fixtures/member.fixture.ts";
import { readable } from "../fixtures/reading.fixture.ts";
import {
  credentialsView,
  domainsView,
  removalView,
  settingsView,
  tokensView,
  webhooksView,
} from "../fixtures/portal.fixture.ts";
import { renderPage } from "../render.tsx";
import type { PortalRole } from "../view-portal.ts";
import type { PortalShown } from "./portal.tsx";
import { whyNot } from "./portal-parts.tsx";

const { did } = warnedMember;
const render = async (shown: PortalShown, role: PortalRole = "owner") =>
  String(
    await renderPage(
      { page: "portal", shown, role },
      role === "committee" ? { role } : { role: "person", did: "did:plc:reader" },
    ),
  );
const PARTS: [string, PortalShown][] = [
  ["domains", { part: "domains", view: domainsView }],
  ["removal", { part: "removal", view: removalView }],
  ["credentials", { part: "credentials", view: credentialsView }],
  ["webhooks", { part: "webhooks", view: webhooksView, tested: null }],
  ["settings", { part: "settings", view: settingsView }],
  ["tokens", { part: "tokens", view: tokensView }],
];

describe("each page says what it is there for", () => {
  test.each<[string, PortalShown, string]>([
    ...(
      [
        "am1._domainkey.zine.basement-radio.test. CNAME k7qn2v.dkim.atmosphere.test.",
        "atmsnew7e._domainkey.zine.basement-radio.test. TXT",
        "atmsk2er._domainkey.zine.basement-radio.test until 25 Mar 2026",
        "You may remove these records",
      ] as const
    ).map((fact): [string, PortalShown, string] => [...PARTS[0]!, fact]),
    [...PARTS[1]!, "Revoked with it , since it is all that they send for: “pds”"],
    [...PARTS[1]!, "For their other domains only from then on: “ghost blog”"],
    [...PARTS[1]!, "Mail of it to 3 recipients waits"],
    [...PARTS[2]!, "from 192.0.2.77"],
    [...PARTS[2]!, "100 an hour, 500 a day"],
    [...PARTS[3]!, "standing.changed standing:12 Waiting"],
    [...PARTS[3]!, "HTTP status 204"],
    [...PARTS[3]!, "Failing since"],
    [...PARTS[5]!, "monitor tok2"],
    [...PARTS[5]!, "read, messages"],
    [...PARTS[5]!, "1 has ended in the last 30 days"],
    [...PARTS[4]!, "manager: all but people and leaving"],
  ])("%s: %#", async (_, shown, fact) => {
    expect(readable(await render(shown))).toContain(fact);
  });
});

describe("who may not do something sees it, disabled, and why", () => {
  test.each(PARTS)("%s: a viewer", async (_, shown) => {
    const html = await render(shown, "viewer");
    for (const form of html.match(/<form[^>]*method="post"[^]*?<\/form>/g) ?? [])
      if (!form.includes("/logout")) {
        expect(form).toContain('<fieldset class="bare" disabled');
        expect(form).toContain("You are a viewer of this member");
      }
    expect(html.match(/method="post"/g)!.length).toBeGreaterThan(1);
  });

  test.each(PARTS)("%s: an owner, and the committee, may do all of it", async (_, shown) => {
    for (const role of ["owner", "committee"] as const)
      expect(await render(shown, role)).not.toContain('class="why-not"');
  });

  test.each<[PortalRole, "member" | "left", "manager" | "owner", RegExp | null]>([
    ["owner", "member", "owner", null],
    ["committee", "member", "owner", null],
    ["manager", "member", "manager", null],
    ["manager", "member", "owner", /You are a manager/],
    ["viewer", "member", "manager", /an owner or a manager/],
    ["viewer", "member", "owner", /: an owner can/],
    ["owner", "left", "manager", /has ended/],
  ])("%s of one that is %s, what needs %s", (role, membership, needs, words) => {
    const why = whyNot(role, { membership }, needs);
    if (words === null) expect(why).toBeNull();
    else expect(why).toMatch(words);
  });

  test("a manager changes no people", async () => {
    const html = await render({ part: "settings", view: settingsView }, "manager");
    expect(html).toContain(`action="/members/${did}/people"`);
    expect(html.split("You are a manager of this member")).toHaveLength(4);
  });
});

test("a secret is on its own page, with the way on", async () => {
  const html = await render({ part: "webhook-secret", did, url: "https://x.test/", secret: "whsec_x" });
  expect(html).toContain("whsec_x");
  expect(html).toContain(`href="/members/${did}/webhooks"`);
});

test("what came of a test is said", async () => {
  const view = webhooksView;
  const fine = await render({ part: "webhooks", view, tested: { ok: true, status: 204, why: "" } });
  expect(readable(fine)).toContain("It answered HTTP status 204.");
  const no = await render({ part: "webhooks", view, tested: { ok: false, status: null, why: "no route" } });
  expect(readable(no)).toContain("It failed no route");
});

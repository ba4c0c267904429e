import { describe, expect, test } from "vitest";
import { applicant, suspendedMember, warnedMember } from "../fixtures/member.fixture.ts";
import { explanation } from "../fixtures/label.fixture.ts";
import { committeeOverview, publicOverview } from "../fixtures/pool.fixture.ts";
import { credentialsView, domainsView } from "../fixtures/portal.fixture.ts";
import { readable, section } from "../fixtures/reading.fixture.ts";
import { renderPage, type Rendered } from "../render.tsx";
import type { Identity } from "../session.ts";
import type { MailReceipt } from "../../notice/index.ts";
import type { MemberPause, MemberView } from "../view.ts";

const committee: Identity = { role: "committee" };
const render = async (shown: Rendered, viewer: Identity | null = null) =>
  String(await renderPage(shown, viewer));
const member = (view: MemberView) =>
  render({ page: "member", view, role: "owner" }, { role: "member", did: view.did });

describe("the public page", () => {
  test.each([
    "messages today 268",
    "98.1 %",
    "250 a day",
    "Together they send 445 a day",
    "19 operators whose mail domains pass every check",
    "dig @127.0.0.1 -p 5354 +short pds.larkspur.test.dwl.wl.atmosphere.test A",
    "2026031207",
    "queryLabels?uriPatterns=did:plc:",
    "verified-mail-operator",
  ])("says %s", async (fact) => {
    expect(readable(await render({ page: "overview", view: publicOverview }))).toContain(fact);
  });

  test("says nothing of standing, and names nobody beside a volume", async () => {
    const html = await render({ page: "overview", view: publicOverview });
    expect(readable(html)).not.toMatch(/warned|probation|suspended|ejected|standing|p_over|complain/i);
    for (const { domain } of publicOverview.operators)
      expect(section(html, "together")).not.toContain(domain);
  });

  test("is whole before anything has happened", async () => {
    const html = await render({
      page: "overview",
      view: {
        ...publicOverview,
        today: { messages: 0, delivered: 0, deferred: 0, bounced: 0 },
        days: [],
        together: { threshold: 250, operators: [] },
        operators: [],
        allowlist: null,
        recentLabels: [],
      },
    });
    expect(readable(html)).toContain("Nobody has sent yet");
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe("the page of a label", () => {
  test.each([
    "verified-mail-operator",
    "Stands since 4 Mar 2026",
    "Lapses 13 Mar 2026",
    "the checks of pds.larkspur.test",
    "membership in the cooperative",
    "SPF Passes",
    "v=spf1 include:_spf.atmosphere.test -all",
    "RSA of 1024 bits",
    "#atproto_label",
  ])("says %s", async (fact) => {
    expect(readable(await render({ page: "label", view: explanation }))).toContain(fact);
  });

  test("says the same of what ended as of what never was", async () => {
    const none = { ...explanation, labels: [], records: [] };
    const text = readable(await render({ page: "label", view: none }));
    expect(text).toContain("No label is in force here");
    expect(text).not.toMatch(/ended|negat|suspend|removed|revoked|standing/i);
  });

  test("is where the overview's labels lead", async () => {
    const html = await render({ page: "overview", view: publicOverview });
    const [recent] = publicOverview.recentLabels;
    expect(section(html, "labels")).toContain(`href="/labels/${recent!.uri.slice("at://".length)}"`);
    expect(section(html, "operators")).toContain('href="/labels/pds.larkspur.test"');
  });
});

test("a member reads where its mail waits, until when, because of what, and what to do", async () => {
  const waitsAt = [
    {
      provider: "gmail",
      providerName: "Gmail and Google Workspace",
      until: Date.UTC(2026, 2, 12, 14, 30),
      why: 'gmail said "550 5.7.26 unauthenticated" (gmail/unauthenticated)',
      advice: "Look at its checks.",
      ofMember: true,
    },
    {
      provider: "yahoo",
      providerName: "Yahoo",
      until: Date.UTC(2026, 2, 12, 15),
      why: 'yahoo said "553 5.7.1 [BL21]"',
      advice: null,
      ofMember: false,
    },
  ];
  const text = readable(await member({ ...warnedMember, waitsAt }));
  expect(text).toMatch(/Your mail to Gmail and Google Workspace waits until 12 Mar 2026, 14:30 UTC/);
  expect(text).toContain("550 5.7.26 unauthenticated");
  expect(text).toContain("What to do: Look at its checks.");
  expect(text).toContain("It is about the pool's addresses and not about you");
  expect(readable(await member(warnedMember))).not.toContain("waits until");
});

test("beside an attempt stands what its rule says is to be done: to the member only what a member can do", async () => {
  const [message] = warnedMember.messages;
  const recipient = message!.recipients.find((one) => one.attempts.length > 0)!;
  const view = (fault: "member" | "pool") => ({
    ...warnedMember,
    messages: [
      {
        ...message!,
        recipients: [
          {
            ...recipient,
            attempts: [
              {
                ...recipient.attempts[0]!,
                class: "authentication" as const,
                fault,
                advice: "Publish the key.",
              },
            ],
          },
        ],
      },
    ],
  });
  expect(readable(await member(view("member")))).toContain("What to do Publish the key.");
  expect(readable(await member(view("pool")))).not.toContain("Publish the key.");
  const seen = await render({ page: "member", view: view("pool"), role: "committee" }, committee);
  expect(readable(seen)).toContain("What to do Publish the key.");
});

describe("a member's page", () => {
  test.each([
    ["cause", "19 of the last 200 recipients"],
    ["value that decided", "How sure it is that more than 5 % do not exist 99.6 % 99.0 % or more"],
    ["rule", "BouncedDistinct >= 5"],
    ["remedy", "remove the 17 that bounced"],
    ["way back with a date", "Expected on 26 Mar 2026"],
    ["held domain first", "Mail of zine.basement-radio.test is held"],
    ["remote words", "550 5.1.1 <w…@gmail.test>: the account w… does not exist."],
    ["limit", "9 of 400 used"],
  ])("has the %s", async (_, fact) => {
    expect(readable(await member(warnedMember))).toContain(fact);
  });

  test.each([
    ["what it applied with", "Sign-up codes and password resets"],
    ["who decided", "Approved on 10 Jan 2026"],
  ])("shows %s", async (_, fact) => {
    expect(readable(await member(warnedMember))).toContain(fact);
  });

  test("an applicant reads what it applied with; only the committee decides, on a page that stands still", async () => {
    const own = await member(applicant);
    expect(readable(own)).toContain("Your application waits for a decision");
    expect(own).not.toContain("/application");
    expect(own).toContain("data-live");
    const theirs = await render({ page: "member", view: applicant, role: "committee" }, committee);
    expect(theirs).toContain(`action="/members/${applicant.did}/application"`);
    expect(theirs).not.toContain("data-live");
  });

  test("the committee ends a pause with a reason; a person's pause is not the member's to end", async () => {
    const theirs = await render({ page: "member", view: suspendedMember, role: "committee" }, committee);
    expect(theirs).toContain('value="resumed"');
    expect(theirs).not.toContain('value="this-was-me"');
    const [pause] = suspendedMember.pauses;
    const byPerson = { ...suspendedMember, pauses: [{ ...pause!, by: "rosa", reason: "Asked to" }] };
    expect(await member(byPerson)).not.toContain("/pauses/");
  });

  test.each<[string, Partial<MemberView>, Partial<MemberPause>, string[]]>([
    ["good", { standing: "good" }, {}, ["The mail that waits leaves", "you get the new one"]],
    ["suspended", {}, {}, ["The mail waits on"]],
    ["has left", { standing: "good", membership: "left" }, {}, ["The mail waits on"]],
    [
      "revoked it before",
      { standing: "good" },
      { inUse: false },
      ["revoked already; make another under Credentials"],
    ],
  ])("promises of an answer no more than comes true: %s", async (_, more, change, facts) => {
    const [pause] = suspendedMember.pauses;
    const text = readable(await member({ ...suspendedMember, ...more, pauses: [{ ...pause!, ...change }] }));
    for (const fact of facts) expect(text).toContain(fact);
    expect(text.includes("you get the new one")).toBe(change.inUse !== false);
    expect(text.includes("The mail that waits leaves")).toBe(!facts.includes("The mail waits on"));
  });

  test.each<[string, Partial<MailReceipt>, string]>([
    ["on its way", {}, "to c...@example.org: on its way"],
    ["delivered", { state: "delivered" }, "to c...@example.org: delivered"],
    ["failed", { state: "failed", reply: "550 5.1.1 gone" }, "to c...@example.org: failed (550 5.1.1 gone)"],
    [
      "no address",
      { state: "no-contact", to: null },
      "Not told by mail: the application gives no mail address",
    ],
    ["too many", { state: "too-many" }, "Not told by mail: it got its share of such mails before"],
  ])("says what the member was told by mail: %s", async (_, change, words) => {
    const [pause] = suspendedMember.pauses;
    const paused = {
      at: pause!.at,
      to: "c...@example.org",
      state: "waiting" as const,
      stateAt: pause!.at,
      reply: "",
      ...change,
    };
    const open = { ...pause!, mails: { paused, resumed: null } };
    const over = {
      ...open,
      end: { at: pause!.at, by: "rosa", how: "resumed" as const, reason: "Known" },
    };
    for (const one of [open, over])
      expect(readable(await member({ ...suspendedMember, pauses: [one] }))).toContain(words);
  });

  test("nor of one of two pauses of a credential", async () => {
    const [pause] = suspendedMember.pauses;
    const stopped = { ...pause!, id: 8, by: "rosa", reason: "Phishing" };
    const view = { ...suspendedMember, standing: "good" as const, pauses: [stopped, pause!] };
    expect(readable(await member(view))).toContain("The mail waits on");
  });

  test("a credential is not revoked by one press in passing", async () => {
    const html = await render({
      page: "portal",
      shown: { part: "credentials", view: credentialsView },
      role: "owner",
    });
    const [one] = warnedMember.credentials;
    expect(html).toMatch(
      new RegExp(`<details id="revoke-${one!.id}">.*?<form method="post".*?</details>`, "s"),
    );
  });

  test("shows no local part of a recipient, in the conversation neither", async () => {
    expect(await member(warnedMember)).not.toMatch(/wilhelmina|oskar|juno|aeqcmnjq3k/);
  });

  test("an attempt says what it means, whose fault it is, and how it travelled", async () => {
    const text = readable(await member(warnedMember));
    expect(text).toMatch(/There is no such mailbox[^]*bad-mailbox, for good[^]*the recipient's: its address/);
    expect(text).toMatch(/198\.51\.100\.7[^]*TLSv1\.3 TLS_AES_256_GCM_SHA384, by MTA-STS/);
    expect(text).not.toContain("microsoft/4.7.650");
    const people = await renderPage(
      { page: "member", view: warnedMember, role: "committee" },
      { role: "committee" },
    );
    expect(readable(String(people))).toContain("microsoft/4.7.650");
  });

  test("what came back is there, mailed or not, with the choice of where it is mailed", async () => {
    const html = await member(warnedMember);
    expect(readable(html)).toMatch(
      /Refused w…@gmail\.test[^]*mailed to o…@[^]*Late o…@outlook\.test[^]*not mailed, now: delivered/,
    );
    expect(html).toContain(`/members/${warnedMember.did}/settings`);
  });

  test("says what it leaves out", async () => {
    const [message, ...others] = warnedMember.messages;
    const [recipient] = message!.recipients;
    const cut = { ...message!, recipients: [{ ...recipient!, earlierAttempts: 4 }], moreRecipients: 80 };
    const html = readable(await member({ ...warnedMember, messages: [cut, ...others] }));
    expect(html).toContain("and 80 more recipients");
    expect(html).toContain("4 earlier attempts are not shown");
  });

  test("tells a suspended member why, what to do and when, before anything else", async () => {
    const text = readable(await member(suspendedMember));
    const first = text.slice(0, text.indexOf("Where the member is"));
    for (const fact of [
      "second cause",
      "Close the open sign-up form",
      "13 Mar 2026",
      "Sending with “pds-main” is paused",
      "131 recipients",
      "This was not me",
    ]) {
      expect(first).toContain(fact);
    }
  });

  test.each([
    ["v=spf1 -all", '"v=spf1 -all"'],
    ['say "x" \\', '"say \\"x\\" \\\\"'],
    ["a\nb", '"a\\010b"'],
    ["", '""'],
  ])("quotes the text record %j as one zone line", async (value, data) => {
    const [domain] = domainsView.domains;
    const remedy = { text: "Publish this.", record: { name: "x.test.", type: "TXT", value } };
    const findings = [{ check: "spf", outcome: "fail" as const, text: "", observed: null, remedy }];
    const view = { ...domainsView, domains: [{ ...domain!, findings }] };
    const shown = { page: "portal", shown: { part: "domains", view }, role: "owner" } as const;
    const text = readable(await render(shown));
    expect(text).toContain(`x.test. TXT ${data} `);
  });

  test("splits a long text record into strings of 255", async () => {
    const [domain] = domainsView.domains;
    const remedy = { text: "Publish this.", record: { name: "x.test", type: "TXT", value: "k".repeat(400) } };
    const findings = [{ check: "dkim", outcome: "fail" as const, text: "", observed: null, remedy }];
    const view = { ...domainsView, domains: [{ ...domain!, findings }] };
    const shown = { page: "portal", shown: { part: "domains", view }, role: "owner" } as const;
    const text = readable(await render(shown));
    expect(text).toContain(`x.test. TXT "${"k".repeat(255)}" "${"k".repeat(145)}"`);
  });
});

const HOSTILE = `</code></title><script>alert("x")</script><img src=x onerror='y'>`;
const ENUMS = new Set([
  "change",
  "standing",
  "tier",
  "action",
  "state",
  "class",
  "kind",
  "fault",
  "tlsPolicy",
  "outcome",
  "status",
  "decidedBy",
  "from",
  "to",
]);

/** The same view with hostile text in every free string. */
function poison<T>(value: T, key = ""): T {
  if (typeof value === "string") return (ENUMS.has(key) ? value : value + HOSTILE) as T;
  if (Array.isArray(value)) return value.map((item) => poison(item, key)) as T;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)])) as T;
}

test.each<[string, Rendered]>([
  ["overview", { page: "overview", view: poison(publicOverview) }],
  ["label", { page: "label", view: poison(explanation) }],
  ["committee", { page: "committee", view: poison(committeeOverview) }],
  ["member", { page: "member", view: poison(warnedMember), role: "owner" }],
])("hostile text stays text: %s", async (_, shown) => {
  const html = await render(shown, committee);
  expect(html).toContain("&lt;script&gt;alert(");
  expect(html).not.toContain("<script>alert");
  expect(html).not.toMatch(/<img/);
  expect(html.match(/<script/g)).toHaveLength(1);
});

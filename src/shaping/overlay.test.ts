import { describe, expect, test } from "vitest";
import { parseReply } from "../protocol/smtp-reply/index.ts";
import { builtInShaping, createShaping } from "./index.ts";
import { layText } from "./read.ts";

function over(text: string) {
  const read = layText("own.toml", text);
  if (!read.ok) throw new Error(read.problems.join("\n"));
  return createShaping(read.data);
}

function problems(text: string): string[] {
  const read = layText("own.toml", text);
  return read.ok ? [] : read.problems;
}

const built = builtInShaping();
const heard = (raw: string) => ({ ...parseReply(raw), phase: "rcpt" as const });

describe("an operator's file", () => {
  test("says what it says, and the rest stays", () => {
    const shaping = over(`
      [default]
      connections = 7
      [provider.gmail]
      connections = 2
      messages_per_minute = "unlimited"
    `);
    expect(shaping.limitsOf("gmail")).toEqual({
      ...built.limitsOf("gmail"),
      connections: 2,
      perMinute: undefined,
    });
    expect(shaping.limitsOf("other")).toEqual({ ...built.limitsOf("other"), connections: 7 });
    expect(shaping.limitsOf("yahoo")).toEqual(built.limitsOf("yahoo"));
    expect(shaping.providerOf("gmail-smtp-in.l.google.com")).toBe("gmail");
    expect(shaping.providers()).toEqual(built.providers());
  });

  test("adds a provider, which takes hosts and mailboxes from whoever had them", () => {
    const shaping = over(`
      [provider.neighbour]
      mx = ["mx.neighbour.example", "mailbox.org", "*.cloud.example"]
      mailboxes = ["gmx.at"]
      connections = 1
      connections_per_address = 1
    `);
    expect(shaping.providerOf("mx.neighbour.example")).toBe("neighbour");
    expect(shaping.providerOf("a.mx.neighbour.example")).toBe("neighbour");
    expect(shaping.providerOf("neighbour.example")).toBe("other");
    expect(shaping.providerOf("mxext1.mailbox.org")).toBe("neighbour");
    expect(shaping.providerOf("eu.cloud.example")).toBe("neighbour");
    expect(shaping.providerOf("cloud.example")).toBe("other");
    expect(shaping.providerOfMailbox("gmx.at")).toBe("neighbour");
    expect(shaping.providerOfMailbox("gmx.de")).toBe("gmx");
    expect(shaping.limitsOf("neighbour")).toMatchObject({ connections: 1, messagesPerConnection: 100 });
  });

  test("adds a rule and a provider of any name", () => {
    const shaping = over(`
      [rule.constructor]
      text = ["come back at night"]
      class = "greylisted"
      [provider.constructor]
      mx = ["mx.constructor.example"]
    `);
    expect(shaping.judge("other", heard("451 come back at night")).rule).toBe("general/constructor");
    expect(shaping.providerOf("mx.constructor.example")).toBe("constructor");
    expect(problems(`[provider.gmail]\nlike = "valueof"`)).toHaveLength(1);
  });

  test.each(["com", "*.com", "*.*.com"])(
    "cannot take a whole top-level domain for one provider: %s",
    (mx) => {
      expect(problems(`[provider.neighbour]\nmx = ["${mx}"]`)).toEqual([
        expect.stringContaining("two labels at least"),
      ]);
    },
  );

  test("adds rules that are asked first, changes one, and puts one out", () => {
    const shaping = over(`
      [provider.gmail.rule.friday]
      text = ["unusual rate"]
      class = "greylisted"
      outcome = "retry"
      [provider.gmail.rule.spf]
      for = "2d"
      [rule.spamhaus]
      off = true
    `);
    expect(shaping.judge("gmail", heard("421-4.7.28 Gmail has detected an unusual rate"))).toMatchObject({
      rule: "gmail/friday",
      class: "greylisted",
      measure: undefined,
    });
    expect(shaping.judge("gmail", heard("421-4.7.27 SPF"))).toMatchObject({
      rule: "gmail/spf",
      measure: { do: "suspend-member", ms: 2 * 86_400_000 },
    });
    const listed = heard("554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org");
    expect(built.judge("other", listed).rule).toBe("general/spamhaus");
    expect(shaping.judge("other", listed).rule).toBe("general/other-list");
  });

  test.each([
    ['outcome = "bounce"', "450 4.0.0 strange words", true],
    ['outcome = "retry"', "550 5.0.0 strange words", false],
    ['class = "content"', "550 5.0.0 strange words", true],
    ['class = "content"', "450 4.0.0 strange words", false],
    ['phase = ["body"]', "550 5.0.0 strange words", undefined],
    ['code = ["4xx"]', "550 5.0.0 strange words", undefined],
    ["code = [451, 550]", "550 5.0.0 strange words", true],
    ['enhanced = ["x.0.0-3"]', "450 4.0.3 strange words", false],
    ['enhanced = ["5.0.0-3"]', "450 4.0.3 strange words", undefined],
    ['enhanced = ["5.0.1"]', "550 strange words", undefined],
  ])("a rule with %s: %s", (line, raw, permanent) => {
    const judged = over(`[rule.mine]\ntext = ["strange words"]\n${line}`).judge("other", heard(raw));
    expect([judged.rule, judged.rule && judged.permanent]).toEqual(
      permanent === undefined ? [undefined, undefined] : ["general/mine", permanent],
    );
  });

  test("says how mail of a domain must travel", () => {
    const shaping = over(`
      [domain."Old.example"]
      tls = "clear"
      [domain."bank.example"]
      tls = "verified"
      min_version = "1.3"
      [domain."new.example"]
      min_version = "1.3"
    `);
    expect(shaping.domainRule("old.example.")).toEqual({ tls: "clear", minVersion: "TLSv1.2" });
    expect(shaping.domainRule("BANK.example")).toEqual({ tls: "verified", minVersion: "TLSv1.3" });
    expect(shaping.domainRule("new.example")).toEqual({ tls: "floor", minVersion: "TLSv1.3" });
    expect(shaping.domainRule("a.bank.example")).toBeUndefined();
    expect(shaping.clearDomains()).toEqual(["old.example"]);
  });
});

describe("what is wrong is said with file, line and key", () => {
  test.each<[string, string, (string | RegExp)[]]>([
    ["no TOML", "[provider.gmail\nmx = 1", [/^own\.toml:1: this is no TOML: /]],
    ["a key twice", "[default]\nconnections = 1\nconnections = 2", [/^own\.toml:3: this is no TOML: /]],
    [
      "an unknown key",
      "# mine\n\n[provider.gmail]\nconections = 3",
      [/^own\.toml:4: provider\.gmail\.conections is no key here; did you mean connections\? There may be /],
    ],
    [
      "an unknown table",
      "[provders.gmail]",
      [/^own\.toml:1: provders is no key here; did you mean provider\?/],
    ],
    [
      "numbers out of bounds",
      "[default]\nconnections = 0\nmessages_per_connection = 1.5\nmessages_per_minute = 0",
      [
        "own.toml:2: default.connections must be a whole number from 1 to 1000",
        "own.toml:3: default.messages_per_connection must be a whole number from 1 to 10000",
        'own.toml:4: default.messages_per_minute must be a whole number from 1 to 100000, or "unlimited"',
      ],
    ],
    [
      "words that are none of the choices",
      '[rule.a]\ntext = ["abc"]\nclass = "blokked"\nmeasure = "slowdown"\nfor = "2 hours"\noutcome = "keep"',
      [
        /^own\.toml:3: rule\.a\.class must be one of .*; did you mean blocked\?$/,
        /^own\.toml:4: rule\.a\.measure must be one of .*; did you mean slow-down\?$/,
        "own.toml:5: rule.a.for must be a time from 60s to 7d, such as 15m or 2h",
        /^own\.toml:6: rule\.a\.outcome must be one of retry, bounce$/,
      ],
    ],
    [
      "a rule without a condition, and a measure without a time",
      '[rule.a]\nclass = "content"\n\n[rule.b]\ntext = ["abc"]\nmeasure = "slow-down"',
      [/^own\.toml:1: rule\.a needs a condition/, /^own\.toml:4: rule\.b needs for = "2h" or the like/],
    ],
    [
      "codes that are none",
      '[rule.a]\ncode = [250, "6xx"]\nenhanced = ["5.7", "5.7.9-3"]\nphase = ["hello"]',
      [
        /rule\.a\.code\[0\] must be a code/,
        /code\[1\]/,
        /enhanced\[0\] must be/,
        /enhanced\[1\]/,
        /phase\[0\].*one of/,
      ],
    ],
    [
      "a regular expression",
      '[rule.a]\ntext = [\n  "fine",\n  "a.*b",\n]',
      [/^own\.toml:2: rule\.a\.text\[1\] looks like a regular expression/],
    ],
    [
      "a provider without hosts, like nobody, in a reserved name, with a bad name",
      '[provider.new]\nlike = "gmial"\n[provider.other]\nmx = ["a.example"]',
      [
        /^own\.toml:1: provider\.new needs mx/,
        /^own\.toml:2: provider\.new\.like names no provider; did you mean gmail\?$/,
        /^own\.toml:3: provider\.other is the name of everybody else/,
      ],
    ],
    [
      "a name of capital letters",
      "[provider.GMail]\nconnections = 1",
      [/^own\.toml:1: provider\.GMail is no name/],
    ],
    [
      "one host of two providers",
      '[provider.a]\nmx = ["x.example"]\n[provider.b]\nmx = ["X.example"]',
      [/^own\.toml:4: provider\.b\.mx names x\.example, which is a's already$/],
    ],
    [
      "a domain rule",
      '[domain."bank.example"]\ntls = "clera"\nmin_version = 1.3\n[domain."no domain"]\ntls = "clear"',
      [
        /^own\.toml:2: domain\."bank\.example"\.tls must be one of clear, floor, verified; did you mean clear\?$/,
        /^own\.toml:3: domain\."bank\.example"\.min_version must be one of 1\.2, 1\.3$/,
        /^own\.toml:4: domain\."no domain" must be a domain name/,
      ],
    ],
    [
      "clear with a version",
      '[domain."a.example"]\ntls = "clear"\nmin_version = "1.3"',
      [/^own\.toml:1: domain\."a\.example" may go in clear, so min_version means nothing/],
    ],
    [
      "all at once: keys, words, and what does not fit together",
      '[provider.new]\nlike = "gmial"\nconections = 1\n[rule.a]\ntext = ["ab"]\n[rule.b]\nclass = "content"\n[rule.c]\ntext = ["abc"]\nmeasure = "slow-down"\nfor = "soon"',
      [
        /:2: provider\.new\.like names no provider/,
        /:3: provider\.new\.conections is no key/,
        /:5: rule\.a\.text\[0\] needs at least 3/,
        /:6: rule\.b needs a condition/,
        /:11: rule\.c\.for must be a time/,
      ],
    ],
    ["a table that is none", "provider = 3", [/^own\.toml:1: provider must be a table$/]],
    [
      "a text that is too large",
      `# ${"x".repeat(300_000)}`,
      [/^own\.toml:1: the file is larger than 256 KiB$/],
    ],
  ])("%s", (_name, text, expected) => {
    const found = problems(text);
    for (const [i, one] of expected.entries()) {
      if (typeof one === "string") expect(found[i]).toBe(one);
      else expect(found[i]).toMatch(one);
    }
    expect(found).toHaveLength(expected.length);
  });

  test("lines are those of the file, past comments, lists and long strings", () => {
    const text = [
      "# [default]",
      "[rule.'a'] # the first",
      'text = [ # "[rule.b]"',
      '  "one ] two", \'x = "\',',
      "]",
      'advice = """',
      "class = 3",
      '"""',
      "",
      '[rule."b"]',
      'text = ["abc"]',
      "clas = 3",
      "",
    ].join("\n");
    expect(problems(text)).toEqual([
      expect.stringMatching(/^own\.toml:12: rule\.b\.clas is no key here; did you mean class\?/),
    ]);
  });
});

test("a key of older versions without effect is a warning with its line, and no fault", () => {
  const old =
    '[default]\nrecipients_per_message = 20\n[provider.gmail]\nconnections = 3\nrecipients_per_message = "many"\n';
  const read = layText("own.toml", old);
  expect(read).toMatchObject({
    ok: true,
    warnings: [
      expect.stringMatching(/^own\.toml:2: default\.recipients_per_message has no effect: .* Remove it$/),
      expect.stringMatching(/^own\.toml:5: provider\.gmail\.recipients_per_message has no effect/),
    ],
  });
  expect(read.ok && createShaping(read.data).limitsOf("gmail").connections).toBe(3);
  // Elsewhere it never was one.
  expect(layText("own.toml", "[rule.x]\nrecipients_per_message = 1\n").ok).toBe(false);
  expect(layText("own.toml", "[default]\nconnections = 3\n")).toMatchObject({ ok: true, warnings: [] });
});

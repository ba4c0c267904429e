import { describe, expect, test } from "vitest";
import { fingerprint, isAlike, resemblance, type Fingerprint, type Mime } from "./fingerprint.ts";
import { fingerprintOf } from "./mime.ts";

const PDS = "https://pds.example.org";

type Mail = { subject: string; text?: string; html?: string; headers?: string[] };

function raw({ subject, text, html, headers = [] }: Mail): Buffer {
  const lines = [
    "From: Example PDS <noreply@example.org>",
    "To: x@mail.test",
    `Subject: ${subject}`,
    ...headers,
  ];
  const part = (type: string, body: string) => [
    `Content-Type: text/${type}; charset=utf-8`,
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from(body).toString("base64").replace(/.{76}/g, "$&\r\n"),
  ];
  if (text !== undefined && html !== undefined) {
    lines.push(
      'Content-Type: multipart/alternative; boundary="b"',
      "",
      "--b",
      ...part("plain", text),
      "--b",
      ...part("html", html),
      "--b--",
    );
  } else lines.push(...part(html === undefined ? "plain" : "html", html ?? text ?? ""));
  return Buffer.from(lines.join("\r\n") + "\r\n");
}

const page = (title: string, body: string) => `<!doctype html><html><head><meta charset="utf-8"><style>
body { font-family: sans-serif; margin: 0 } .code { font: 20px monospace }</style><title>${title}</title></head>
<body><table width="100%"><tr><td><img src="${PDS}/static/logo.png" alt="Logo"></td></tr><tr><td><h1>${title}</h1>
${body}<p>You receive this because somebody used this address at our server. If that was not you, you can
safely ignore it.</p><p><a href="${PDS}">pds.example.org</a></p></td></tr></table></body></html>`;

/** What a PDS sends, for a person: name, handle, code. */
const MAILS: Record<string, (handle: string, code: string) => Mail> = {
  "confirm e-mail": (handle, code) => ({
    subject: "Confirm your email",
    text: `Hello @${handle},\n\nTo confirm this email for your account, please enter the code below in the app:\n\n${code}\n\nYou can also confirm by this link: ${PDS}/confirm?code=${code}\n`,
    html: page(
      "Confirm your email",
      `<p>Hello <b>@${handle}</b>,</p><p>To confirm this email for your account, please enter the code below in the app.</p>
       <p class="code">${code}</p><p>Or <a href="${PDS}/confirm?code=${code}&amp;handle=${handle}">confirm by this link</a>.</p>`,
    ),
  }),
  "reset password": (handle, code) => ({
    subject: "Password Reset Requested",
    text: `Hello ${handle},\n\nWe received a request to reset the password for your account. To reset it, enter this code in the app: ${code}\n\nIf you did not request it, you can ignore this message. The code expires in fifteen minutes.\n`,
    html: page(
      "Password reset",
      `<p>Hello ${handle},</p><p>We received a request to reset the password for your account.</p><pre>${code}</pre>
       <p>The code expires in fifteen minutes. Nobody of us will ever ask you for it.</p>`,
    ),
  }),
  "delete account": (handle, code) => ({
    subject: "Account Deletion Requested",
    html: page(
      "Account deletion",
      `<p>Dear ${handle}, we received a request to delete your account. To delete it permanently, enter this code in the
       app together with your password: <code>${code}</code></p>`,
    ),
  }),
  "PLC operation": (handle, code) => ({
    subject: "PLC Update Operation Requested",
    text: `We received a request to update your DID document (${handle}). Your confirmation code is:\n\n    ${code}\n\nNever give this code to another person: who has it can take over your identity. If you did not ask for it, change your password.\n`,
  }),
  "sign-in code": (_handle, code) => ({
    subject: `Your sign-in code is ${code}`,
    text: `A sign-in code has been requested for your account: ${code}. It is good for ten minutes.`,
  }),
};

const PEOPLE: [handle: string, code: string][] = [
  ["alice.pds.example.org", "ABCDE-FGHIJ"],
  ["bob-the-builder.bsky.social", "7K2MQ-XWZ4T"],
  ["xn--mller-kva.example", "NNNNN-22222"],
  ["a.b", "482913"],
];

const make = async (mail: Mail) => fingerprintOf(raw(mail));

describe("mail of one template is alike, whoever gets it", () => {
  test.each(Object.entries(MAILS))("%s", async (_name, mail) => {
    const prints = await Promise.all(PEOPLE.map(([handle, code]) => make(mail(handle, code))));
    for (const a of prints) for (const b of prints) expect(isAlike(a, b)).toBe(true);
  });

  test("two templates are not", async () => {
    const prints = await Promise.all(Object.values(MAILS).map((mail) => make(mail(...PEOPLE[0]!))));
    prints.forEach((a, i) => prints.forEach((b, j) => expect(isAlike(a, b)).toBe(i === j)));
  });

  test.each([
    ["another name", "Dear Alice Smith,", "Dear Jean-Luc van den Berg,"],
    ["two names", "Dear Alice Smith,", "Dear Åsa Öberg, Bob and Carol wrote:"],
    ["other numbers", "Order 4711 of 2026-01-02", "Order 99 of 2027-11-30"],
    ["another address", "alice@example.org asked", "bob.b@mail.example asked"],
  ])("%s", async (_, a, b) => {
    const text = (name: string) =>
      `${name}\n\nsomebody asked us to move the account to another server. If this was you, there is nothing that you have to do. ` +
      `Otherwise please go to the settings now and choose a new password, then sign out everywhere.\n\nYour server`;
    const [one, two] = [
      await make({ subject: "Moving", text: text(a) }),
      await make({ subject: "Moving", text: text(b) }),
    ];
    expect(isAlike(one, two)).toBe(true);
    expect(isAlike(two, one)).toBe(true);
  });
});

describe("what a thief sends is not of the member's template", () => {
  const original = MAILS["confirm e-mail"]!(...PEOPLE[0]!);
  const [text, html] = [original.text!, original.html!];
  const spam =
    "Your parcel could not be delivered because the customs fee has not been paid. Pay now to avoid that it is sent back to the sender tomorrow morning.";
  const cases: [string, Mail][] = [
    ["another text", { ...original, text: spam, html: page("Parcel", spam) }],
    ["another text beside the same HTML", { ...original, text: spam }],
    ["another HTML beside the same text", { ...original, html: page("Parcel", spam) }],
    ["the same without its HTML", { ...original, html: undefined! }],
    [
      "a paragraph more",
      { ...original, text: `${spam}\n${text}`, html: html.replace("<h1>", `<p>${spam}</p><h1>`) },
    ],
    [
      "the same, to another host",
      { ...original, text: text.replaceAll(PDS, "https://pds.example.org.evil.test"), html },
    ],
    [
      "one link more",
      { ...original, html: html.replace("</table>", '</table><a href="https://evil.test/x">x</a>') },
    ],
    [
      "a link without a scheme",
      { ...original, html: html.replace("</table>", "</table><a href=//evil.test/x>x</a>") },
    ],
    [
      "a link in entities",
      {
        ...original,
        html: html.replace("</table>", '</table><a href="&#104;ttps:&sol;/evil&period;test">x</a>'),
      },
    ],
    [
      "a line break in a link",
      { ...original, html: html.replace("</table>", '</table><a href="htt&#10;ps://ev\nil.test">x</a>') },
    ],
    ["a host in the text", { ...original, text: `${text}evil.test/win` }],
    ["a www in the text", { ...original, text: `${text}www.evil.test` }],
    ["two links in one word", { ...original, text: text.replace(/https:\S+/, "$&,https://evil.test") }],
    [
      "another user before the host",
      { ...original, text: text.replace("https://", "https://pds.example.org@evil.test/") },
    ],
    [
      "an image of another host",
      { ...original, html: html.replace("</h1>", '</h1><img src="https://cdn.evil.test/a.png">') },
    ],
    [
      "a background",
      { ...original, html: html.replace("<td>", '<td style="background:url(https://evil.test/a.png)">') },
    ],
    [
      "a refresh",
      {
        ...original,
        html: html.replace("<head>", '<head><meta http-equiv=refresh content="0;url=https://evil.test">'),
      },
    ],
    [
      "an image in a data URL",
      { ...original, html: html.replace("</h1>", '</h1><img src="data:image/png;base64,AAAA">') },
    ],
    [
      "a telephone link",
      { ...original, html: html.replace("</h1>", '</h1><a href="tel:+15550100">call</a>') },
    ],
    [
      "another mailto",
      { ...original, html: html.replace("</h1>", '</h1><a href="mailto:a@evil.test">write</a>') },
    ],
    ["answers to another domain", { ...original, headers: ["Reply-To: x@evil.test"] }],
    ["words written with digits", { ...original, text: `${text}${"c4ll n0w y0ur p4rcel w4its ".repeat(4)}` }],
    [
      "another alphabet",
      { ...original, text: `${text}${"请立即支付海关费用以避免您的包裹被退回".repeat(2)}` },
    ],
    ...[
      '<a href="http:evil.test/x">x</a>',
      '<a href="h&Tab;ttps:evil.test">x</a>',
      '<a href="h&#0000000116;tps:\\\\evil.test">x</a>',
      `<a href${" ".repeat(40)}="//evil.test/x">x</a>`,
      `<a href="//evil.test/${"x".repeat(3_000)}">x</a>`,
      '<a href=x title="<" href="//evil.test/x">x</a>',
      '<img srcset="cid:a 1x, //evil.test/a.png 2x">',
      '<a href="mailto:a@evil.test,b@example.org">x</a>',
      `<!--[if mso]><p>${spam}</p><![endif]-->`,
      `<style>p::before { content: "${spam}" }</style>`,
      `<!-- --!>${spam}<!-- -->`,
      `<!-->${spam}<!-- -->`,
      `<style></style x>${spam}<style></style>`,
      `<stylex>${spam}<style></style>`,
      `<textarea><style></textarea>${spam}<style></style>`,
      `<textarea><a x="</textarea>${spam}<b x=">`,
      `<textarea><!--</textarea>${spam}<!-- -->`,
      `<a " >${spam}<a ">x</a></a>`,
      `<img src="cid:a" alt="${spam}">`,
      `<input value="${spam}">`,
      spam.replaceAll(" ", "\u3164"),
      spam.replaceAll(" ", "&ensp;"),
      spam.replaceAll(" ", "_"),
      spam.replace(/ (\S+)/g, "<span style='padding:4px'>$1</span>"),
      `${spam}${spam}1`.replaceAll(" ", "_"),
    ].map((more): [string, Mail] => [
      `more: ${more.slice(0, 60)}`,
      { ...original, html: html.replace("</table>", `</table>${more}`) },
    ]),
    ["answers to a group", { ...original, headers: ["Reply-To: us: x@evil.test;"] }],
    [
      "the words hidden in a comment",
      { ...original, html: `<html><!-- ${html.replace(/<!doctype html>/, "")} -->${spam}</html>` },
    ],
  ];
  test.each(cases)("%s", async (_, mail) => {
    const [thief, own] = [await make(mail), await make(original)];
    expect(isAlike(thief, own)).toBe(false);
    expect(thief.id).not.toBe(own.id);
  });

  test("another attachment", async () => {
    const mime: Mime = {
      fromName: "",
      replyTo: "",
      subject: "x",
      text: "y",
      html: null,
      attachments: [],
      cut: false,
    };
    const attach = (byte: number) =>
      fingerprint({ ...mime, attachments: [{ mimeType: "image/png", content: Uint8Array.of(byte) }] });
    expect(isAlike(attach(1), attach(1))).toBe(true);
    expect(isAlike(attach(1), attach(2))).toBe(false);
    expect(isAlike(attach(1), fingerprint(mime))).toBe(false);
  });
});

/** Repeatable pseudo-random numbers in [0, 1) (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("properties, over many random texts", () => {
  const next = random(7);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]!;
  const word = () =>
    Array.from({ length: 2 + Math.floor(next() * 8) }, () => pick([..."abcdefghijklmnoprstuvw"])).join("");
  const vocabulary = Array.from({ length: 2_000 }, word);
  const text = (length: number) => Array.from({ length }, () => pick(vocabulary));
  const print = (words: string[]): Fingerprint =>
    fingerprint({
      fromName: "PDS",
      replyTo: "",
      subject: "Hello",
      text: words.join(" "),
      html: null,
      attachments: [],
      cut: false,
    });

  test("codes, addresses and handles change nothing at all", () => {
    const kinds = [
      () => String(Math.floor(next() * 1e9)),
      () => `${pick(["ABCDE", "QRSTV", "ZZ22Z"])}-FG2IJ`,
      () => `${word()}@${word()}.test`,
      () => `${word()}.${word()}.test`,
      () => `https://pds.test/${word()}?code=${word()}`,
    ];
    for (let i = 0; i < 200; i++) {
      const words = text(30 + Math.floor(next() * 200));
      const kind = pick(kinds);
      const put = new Set(Array.from({ length: 3 }, () => Math.floor(next() * words.length)));
      const filled = () => print(words.map((own, at) => (put.has(at) ? kind() : own)));
      const [a, b] = [filled(), filled()];
      expect({ ...a, id: "", masked: 0 }).toEqual({ ...b, id: "", masked: 0 });
      expect(isAlike(a, b)).toBe(true);
    }
  });

  test("two words that change in thirty leave it alike; resemblance is symmetric and within [0, 1]", () => {
    for (let i = 0; i < 200; i++) {
      const words = text(30 + Math.floor(next() * 300));
      const other = [...words];
      for (let n = 0; n < 2; n++) other[Math.floor(next() * other.length)] = word();
      const [a, b] = [print(words), print(other)];
      expect(isAlike(a, b)).toBe(true);
      expect(resemblance(a.text, b.text)).toBe(resemblance(b.text, a.text));
      expect(resemblance(a.text, a.text)).toBe(1);
    }
  });

  test("another text is never alike, and neither is one with as many words added", () => {
    for (let i = 0; i < 200; i++) {
      const words = text(20 + Math.floor(next() * 300));
      expect(isAlike(print(text(words.length)), print(words))).toBe(false);
      expect(isAlike(print([...words, ...text(words.length)]), print(words))).toBe(false);
    }
  });

  test("whatever comes in, it ends soon", async () => {
    const html = [
      "<",
      "<a ",
      '<a "',
      "<a href=",
      "<a x='<a x='",
      "<!--<a>-->",
      "<title>",
      "&#",
      "&#0",
      "http://",
      '"',
      "url(",
      "<!--",
      "<style",
      "<style></style>",
    ];
    const plain = [
      "a.",
      "://",
      "a://",
      "\u200b",
      "é",
      "@",
      "-A",
      "aaaaaaaaaaaaaaaa+",
      "a.a.a.a.a.a.a.a.a.a ",
    ];
    const hostile = [
      ...html.map((piece) => ["Content-Type: text/html\r\n\r\n", piece]),
      ...plain.map((piece) => ["\r\n", piece]),
      ["Content-Type: message/rfc822\r\n\r\n", "Content-Type: message/rfc822\r\n\r\n"],
      ["Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\nx\r\n"],
      ["Subject: ", "=?utf-8?q?a?= "],
    ];
    for (const [start = "", piece = ""] of hostile) {
      const started = process.cpuUsage();
      await fingerprintOf(Buffer.from(start + piece.repeat(Math.ceil(65_000 / piece.length))));
      const { user, system } = process.cpuUsage(started);
      expect((user + system) / 1000, `ms for ${JSON.stringify(piece)}`).toBeLessThan(2_000);
    }
  });

  test("a message that cannot be read is like itself alone", async () => {
    const nested = (n: number, end: string) =>
      Buffer.from(
        Array.from(
          { length: n },
          (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
        ).join("") + end,
      );
    const [a, b] = [await fingerprintOf(nested(40, "x")), await fingerprintOf(nested(40, "y"))];
    expect(isAlike(a, b)).toBe(false);
    expect(isAlike(a, a)).toBe(true);
  });
});

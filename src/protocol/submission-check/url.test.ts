import { describe, expect, test } from "vitest";
import { readUrl, writeUrl } from "./url.ts";

const at = (host: string, port: number, secure: boolean, user = "u", pass = "s") => ({
  host,
  port,
  secure,
  user,
  pass,
});
const RIGHT = "smtps://u:s@mail.test:465";

describe("a URL that is right has no notes", () => {
  test.each([
    [RIGHT, at("mail.test", 465, true)],
    ["smtps://u:s@mail.test:2465/", at("mail.test", 2465, true)],
    ["smtp://u:s@mail.test:587?requireTLS=true", at("mail.test", 587, false)],
    ["SMTPS://u:s@Mail.Test:465", at("mail.test", 465, true)],
    [
      "smtps://u-abc:atms_abc@relay.coop.example:465",
      at("relay.coop.example", 465, true, "u-abc", "atms_abc"),
    ],
    ["smtps://u:a%40b%3Ac%2Fd%25e%23f%3Fg@[::1]:2465", at("::1", 2465, true, "u", "a@b:c/d%e#f?g")],
    ["smtps://u:s@127.0.0.1:40465", at("127.0.0.1", 40465, true)],
  ])("%s", (url, target) => {
    expect(readUrl(url)).toEqual({
      server: { host: target.host, port: target.port, secure: target.secure },
      target,
      corrected: undefined,
      notes: [],
    });
  });
});

describe("a mistake is named, and the right URL is given", () => {
  test.each([
    ["an @ in the secret", "smtps://u:a@b@mail.test:465", "encoding", "smtps://u:a%40b@mail.test:465"],
    ["a colon in the secret", "smtps://u:a:b@mail.test:465", "encoding", "smtps://u:a%3Ab@mail.test:465"],
    ["a slash in the secret", "smtps://u:a/b@mail.test:465", "encoding", "smtps://u:a%2Fb@mail.test:465"],
    [
      "a percent sign in the secret",
      "smtps://u:a%b@mail.test:465",
      "encoding",
      "smtps://u:a%25b@mail.test:465",
    ],
    ["a hash in the secret", "smtps://u:a#b@mail.test:465", "encoding", "smtps://u:a%23b@mail.test:465"],
    [
      "a question mark in the secret",
      "smtps://u:a?b@mail.test:465",
      "encoding",
      "smtps://u:a%3Fb@mail.test:465",
    ],
    [
      "all of them",
      "smtps://u:@:/%#?@mail.test:465",
      "encoding",
      "smtps://u:%40%3A%2F%25%23%3F@mail.test:465",
    ],
    ["a space in the secret", "smtps://u:a b@mail.test:465", "encoding", "smtps://u:a%20b@mail.test:465"],
    ["a letter that is not ASCII", "smtps://u:ä@mail.test:465", "encoding", "smtps://u:%C3%A4@mail.test:465"],
    ["half of an encoding", "smtps://u:a%4@mail.test:465", "encoding", "smtps://u:a%254@mail.test:465"],
    [
      "a user with its domain",
      "smtps://u@x.test:s@mail.test:465",
      "encoding",
      "smtps://u%40x.test:s@mail.test:465",
    ],
    ["double quotes", `"${RIGHT}"`, "quotes", RIGHT],
    ["single quotes", `'${RIGHT}'`, "quotes", RIGHT],
    ["typographic quotes", `\u201c${RIGHT}\u201d`, "quotes", RIGHT],
    ["one quote alone", `${RIGHT}"`, "quotes", RIGHT],
    ["spaces around", ` ${RIGHT}\r\n`, "spaces", RIGHT],
    ["the whole line", `PDS_EMAIL_SMTP_URL=${RIGHT}`, "assignment", RIGHT],
    ["the whole line, quoted", `export PDS_EMAIL_SMTP_URL="${RIGHT}"`, "quotes", RIGHT],
    ["smtp with 465", "smtp://u:s@mail.test:465", "mode", RIGHT],
    ["smtp with 2465", "smtp://u:s@mail.test:2465", "mode", "smtps://u:s@mail.test:2465"],
    ["smtps with 587", "smtps://u:s@mail.test:587", "mode", "smtp://u:s@mail.test:587?requireTLS=true"],
    ["smtps with 2587", "smtps://u:s@mail.test:2587", "mode", "smtp://u:s@mail.test:2587?requireTLS=true"],
    ["no port", "smtps://u:s@mail.test", "no-port", RIGHT],
    ["an empty port", "smtp://u:s@mail.test:", "no-port", "smtp://u:s@mail.test:587?requireTLS=true"],
    ["no number", "smtps://u:s@mail.test:smtps", "port", RIGHT],
    ["too large a number", "smtps://u:s@mail.test:99999", "port", RIGHT],
    ["the port of servers", "smtp://u:s@mail.test:25", "port", "smtp://u:s@mail.test:587?requireTLS=true"],
    ["?secure", "smtp://u:s@mail.test:587?secure=true", "query", "smtp://u:s@mail.test:587?requireTLS=true"],
    ["?tls", `${RIGHT}?tls=true`, "query", RIGHT],
    [
      "?ignoreTLS",
      "smtp://u:s@mail.test:587?ignoreTLS=true",
      "query",
      "smtp://u:s@mail.test:587?requireTLS=true",
    ],
    ["?tls.rejectUnauthorized", `${RIGHT}?tls.rejectUnauthorized=false`, "query", RIGHT],
    ["a path", `${RIGHT}/inbox`, "path", RIGHT],
    ["no scheme", "u:s@mail.test:465", "scheme", RIGHT],
    ["another scheme", "https://u:s@mail.test:465", "scheme", RIGHT],
    ["one slash", "smtps:/u:s@mail.test:465", "scheme", RIGHT],
    ["no slash", "smtps:u:s@mail.test:465", "scheme", RIGHT],
    ["a scheme before the host", "smtps://u:s@https://mail.test:465", "host", RIGHT],
    [
      "user and secret exchanged",
      "smtps://atms_abc:me-x@mail.test:465",
      "swapped",
      "smtps://me-x:atms_abc@mail.test:465",
    ],
  ])("%s", (_, url, code, corrected) => {
    const read = readUrl(url);
    expect(read.notes.map((note) => note.code)).toContain(code);
    expect(read.corrected).toBe(corrected);
    expect(readUrl(corrected).notes.filter(({ severity }) => severity === "fault")).toEqual([]);
    expect(readUrl(corrected).target).toEqual(read.target);
  });
});

describe("what cannot be understood says how it should look", () => {
  test.each([
    [undefined, "missing", /smtps:\/\/USER:SECRET@HOST:465/],
    ["  ", "missing", /There is no URL/],
    ["mail.test:465", "scheme", /does not begin/],
    ["ftp://u:s@mail.test", "scheme", /begins with ftp:/],
    ["smtps://u:s@", "host", /no host name/],
    ["smtps://u:s@:465", "host", /no host name/],
    ["smtps://mail.test:465", "no-login", /before an @/],
    ["smtps://u@mail.test:465", "no-login", /no secret/],
    ["smtps://:s@mail.test:465", "no-login", /no user/],
    [`smtps://u:${"s".repeat(3000)}@mail.test`, "missing", /There is no URL/],
  ])("%s", (url, code, text) => {
    const { target, corrected, notes } = readUrl(url);
    expect(target).toBeUndefined();
    expect(corrected).toBeUndefined();
    expect(notes.find((note) => note.code === code)?.text).toMatch(text);
  });
});

test("STARTTLS without requireTLS is a hint alone, and an address as user too", () => {
  const read = readUrl("smtp://u%40x.test:s@mail.test:587");
  expect(read.notes.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
    "hint user-domain",
    "hint cleartext",
  ]);
  expect(read.corrected).toBeUndefined();
});

test("a server is known without a login", () => {
  expect(readUrl("smtps://mail.test:2465").server).toEqual({ host: "mail.test", port: 2465, secure: true });
});

test("what is written is read again", () => {
  const pass = "aA0-._~!$&'()*+,;=:@/?#[]%\"<>\\^`{|} ä€😀";
  const target = at("::1", 2587, false, "ü@x", pass);
  expect(readUrl(writeUrl(target))).toMatchObject({ target, corrected: undefined });
});

/** Where mail is submitted, as a URL of the form that nodemailer reads says it. */
export type Target = { host: string; port: number; secure: boolean; user: string; pass: string };

/** Something about a URL, in words. A fault breaks it in a PDS; a hint does not. */
export type UrlNote = {
  severity: "fault" | "hint";
  code:
    | "missing"
    | "assignment"
    | "quotes"
    | "spaces"
    | "scheme"
    | "host"
    | "no-login"
    | "swapped"
    | "encoding"
    | "user-domain"
    | "port"
    | "no-port"
    | "mode"
    | "query"
    | "cleartext"
    | "path";
  text: string;
};

export type ReadUrl = {
  /** Where it leads, though the login may be missing. */
  server: Pick<Target, "host" | "port" | "secure"> | undefined;
  /** What is meant, as far as that can be seen; undefined when it cannot. */
  target: Target | undefined;
  /** The URL as it should be written; undefined when the one that was read is right, or nothing can be said. */
  corrected: string | undefined;
  notes: UrlNote[];
};

export const IMPLICIT_PORTS: readonly number[] = [465, 2465];
export const STARTTLS_PORTS: readonly number[] = [587, 2587];
const FORM = "smtps://USER:SECRET@HOST:465";
const MAX_LENGTH = 2_000;

/** Reads a PDS's `PDS_EMAIL_SMTP_URL` with all the ways in which it is usually written wrong. Never throws. */
export function readUrl(input: string | undefined): ReadUrl {
  const notes: UrlNote[] = [];
  const note = (severity: UrlNote["severity"], code: UrlNote["code"], text: string) =>
    void notes.push({ severity, code, text });
  const nothing: ReadUrl = { server: undefined, target: undefined, corrected: undefined, notes };
  if (input === undefined || input.trim() === "" || input.length > MAX_LENGTH) {
    note("fault", "missing", `There is no URL. It looks like ${FORM}.`);
    return nothing;
  }
  const rest = splitScheme(unwrap(input, note), note);
  if (rest === undefined) return nothing;
  const { secure: said, text } = rest;

  const [login, after] = splitLogin(text) ?? [undefined, text];
  const place = readPlace(after, note);
  if (login === undefined) note("fault", "no-login", `The URL has no user and secret before an @: ${FORM}.`);
  const secret = login === undefined ? undefined : readLogin(login, note);
  if (place === undefined) return nothing;
  const server = { host: place.host, ...readPort(place.port, said, note) };
  readQuery(place.query, server.secure, note);
  if (secret === undefined) return { ...nothing, server };

  const target = { ...server, ...secret };
  const changed = notes.some(({ code }) => code !== "cleartext" && code !== "user-domain");
  return { server, target, corrected: changed ? writeUrl(target) : undefined, notes };
}

/** The URL of a target, encoded for every reader; with STARTTLS a client is made to insist on it. */
export function writeUrl({ host, port, secure, user, pass }: Target): string {
  const name = host.includes(":") ? `[${host}]` : host;
  const login = `${encodeStrictly(user)}:${encodeStrictly(pass)}`;
  return secure ? `smtps://${login}@${name}:${port}` : `smtp://${login}@${name}:${port}?requireTLS=true`;
}

type Say = (severity: UrlNote["severity"], code: UrlNote["code"], text: string) => void;

/** Takes off what came with the URL out of a file. */
function unwrap(input: string, note: Say): string {
  let text = input;
  if (text !== text.trim()) {
    note("fault", "spaces", "There are spaces or line ends around the URL: remove them.");
    text = text.trim();
  }
  const assignment = /^(?:export\s+)?(PDS_[A-Z_]+)\s*=\s*/.exec(text);
  if (assignment) {
    note(
      "fault",
      "assignment",
      `The value begins with ${assignment[1]}= itself: only what follows it is the URL.`,
    );
    text = text.slice(assignment[0].length);
  }
  const quote = /^["'`\u2018\u2019\u201c\u201d]+|["'`\u2018\u2019\u201c\u201d]+$/g;
  if (quote.test(text)) {
    note(
      "fault",
      "quotes",
      "There are quotes around the URL. Docker's env_file and systemd's EnvironmentFile differ in whether they keep them: write it without.",
    );
    text = text.replace(quote, "").trim();
  }
  return text;
}

function splitScheme(text: string, note: Say): { secure: boolean; text: string } | undefined {
  const [whole, scheme = "", slashes = ""] = /^([a-z][a-z0-9+.-]*):(\/*)/i.exec(text) ?? [];
  const name = scheme.toLowerCase();
  if (whole === undefined || (slashes === "" && name !== "smtp" && name !== "smtps")) {
    note("fault", "scheme", `The URL does not begin with smtps:// or smtp://: ${FORM}.`);
    return { secure: true, text };
  }
  if (slashes.length !== 2) note("fault", "scheme", `After ${name}: come two slashes: ${name}://.`);
  const rest = text.slice(whole.length);
  if (name === "smtps" || name === "smtp") return { secure: name === "smtps", text: rest };
  if (!/^(https?|tls|ssl|smtp[+-](tls|ssl|starttls)|imaps?|pop3s?|mailto|submissions?)$/.test(name)) {
    note(
      "fault",
      "scheme",
      `The URL begins with ${name}:; use smtps:// (TLS at once) or smtp:// (STARTTLS).`,
    );
    return undefined;
  }
  note(
    "fault",
    "scheme",
    `The URL begins with ${name}://; use smtps:// (TLS at once) or smtp:// (STARTTLS).`,
  );
  return { secure: !/starttls|^submission$/.test(name), text: rest };
}

/** Host, port and the rest, where they follow an @ or begin the text. */
const PLACE =
  /^(?:(?:https?|smtps?):\/\/)?(\[[0-9a-f:.]+\]|[a-z0-9_.-]+|[^\s@:/?#[\]"']*)(?::([^/?#]*))?([/?#].*)?$/i;

/** What is before and after the @ that ends the login: the last one behind which there is a host. */
function splitLogin(text: string): [login: string, after: string] | undefined {
  for (let at = text.lastIndexOf("@"); at >= 0; at = at === 0 ? -1 : text.lastIndexOf("@", at - 1)) {
    if (/^(?:(?:https?|smtps?):\/\/)?(\[|[a-z0-9_.-]+\.[a-z0-9-]+|localhost)/i.test(text.slice(at + 1)))
      return [text.slice(0, at), text.slice(at + 1)];
  }
  const last = text.lastIndexOf("@");
  return last < 0 ? undefined : [text.slice(0, last), text.slice(last + 1)];
}

function readPlace(
  after: string,
  note: Say,
): { host: string; port: string | undefined; query: string } | undefined {
  const [, name = "", port, tail = ""] = PLACE.exec(after) ?? [];
  if (name === "") {
    note("fault", "host", `There is no host name in "${after.slice(0, 80)}": ${FORM}.`);
    return undefined;
  }
  const scheme = /^(https?|smtps?):\/\//i.exec(after)?.[0];
  if (scheme !== undefined)
    note("fault", "host", `The host is written with ${scheme} before it: only the name belongs there.`);
  const path = tail.split(/[?#]/, 1)[0]!;
  if (path.length > 1)
    note("hint", "path", `"${path}" after the port has no meaning in this URL: remove it.`);
  const query = tail.includes("?") ? tail.slice(tail.indexOf("?") + 1).split("#", 1)[0]! : "";
  return { host: name.replace(/^\[|\]$/g, "").toLowerCase(), port, query };
}

function readLogin(login: string, note: Say): { user: string; pass: string } | undefined {
  const colon = login.indexOf(":");
  const [user, pass] = colon < 0 ? [login, ""] : [login.slice(0, colon), login.slice(colon + 1)];
  if (user === "" || pass === "") {
    note("fault", "no-login", `The URL has no ${user === "" ? "user" : "secret"}: ${FORM}.`);
    return undefined;
  }
  if (user.startsWith("atms_") && !pass.startsWith("atms_")) {
    note(
      "fault",
      "swapped",
      "User and secret are in each other's place: the secret is what begins with atms_.",
    );
    return { user: decode(pass), pass: decode(user) };
  }
  for (const [what, raw] of [
    ["user", user],
    ["secret", pass],
  ] as const) {
    const bad = [...new Set(raw.match(/[^A-Za-z0-9._~!$&'()*+,;=%-]|%(?![0-9a-f]{2})/gi) ?? [])];
    if (bad.length === 0) continue;
    const pairs = bad.map((char) => `${char === " " ? "a space" : char} as ${encodeStrictly(char)}`);
    note(
      "fault",
      "encoding",
      `The ${what} holds characters that a URL uses itself: write ${pairs.join(", ")}.`,
    );
  }
  if (/@/.test(decode(user)))
    note(
      "hint",
      "user-domain",
      "The user name has the form of an address. That is right at some providers; a user name of Atmosphere Mail has no @.",
    );
  return { user: decode(user), pass: decode(pass) };
}

function readPort(text: string | undefined, said: boolean, note: Say): { port: number; secure: boolean } {
  const usual = said ? 465 : 587;
  if (text === undefined || text === "") {
    note("hint", "no-port", `The URL names no port, so it means ${usual}: write it, since readers differ.`);
    return { port: usual, secure: said };
  }
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    note("fault", "port", `"${text}" is no port: 465 and 2465 are for smtps://, 587 and 2587 for smtp://.`);
    return { port: usual, secure: said };
  }
  if (said && STARTTLS_PORTS.includes(port)) {
    note(
      "fault",
      "mode",
      `smtps:// speaks TLS at once, and port ${port} expects STARTTLS: use smtp:// with ${port}, or smtps:// with 465 or 2465.`,
    );
    return { port, secure: false };
  }
  if (!said && IMPLICIT_PORTS.includes(port)) {
    note(
      "fault",
      "mode",
      `smtp:// begins in clear, and port ${port} expects TLS at once: use smtps:// with ${port}.`,
    );
    return { port, secure: true };
  }
  if (port === 25) {
    note(
      "fault",
      "port",
      `Port 25 is for mail between servers, and most hosting companies block it: use ${usual}.`,
    );
    return { port: usual, secure: said };
  }
  return { port, secure: said };
}

function readQuery(query: string, secure: boolean, note: Say): void {
  const settings = new Map(new URLSearchParams(query));
  for (const [name, value] of settings) {
    if (name === "requireTLS" && value === "true") continue;
    if (/^(secure|tls|ssl|starttls|encryption)$/i.test(name))
      note(
        "fault",
        "query",
        `?${name}= changes nothing: smtps:// means TLS at once, smtp:// means STARTTLS.`,
      );
    else if (name === "ignoreTLS" || (name === "requireTLS" && value !== "true"))
      note(
        "fault",
        "query",
        `?${name}=${value} lets the secret go in clear, which no server of ours takes: remove it.`,
      );
    else if (name.startsWith("tls."))
      note(
        "fault",
        "query",
        `?${name}=${value} weakens TLS; the certificate should be made right instead: remove it.`,
      );
    else note("hint", "query", `?${name}= has no meaning that is needed here: remove it.`);
  }
  if (!secure && settings.get("requireTLS") !== "true")
    note(
      "hint",
      "cleartext",
      "smtp:// goes on in clear when STARTTLS is taken away on the line: add ?requireTLS=true, or use smtps://.",
    );
}

/** What cannot be decoded stands as it is. */
function decode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

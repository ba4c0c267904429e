import type { ReplyPhase } from "../../protocol/smtp-reply/index.ts";

/** What the other side said last, in which phase; code 0 when it said nothing. */
export type Reply = {
  code: number;
  enhanced: string;
  text: string;
  phase: ReplyPhase;
  /** We said it in the host's place: it cannot take the message. */
  own?: boolean;
};

/** Extensions that a host offers, upper case, with what stands behind them. */
export type Offers = ReadonlyMap<string, string>;

export type EnvelopeRecipient = {
  address: string;
  /** For a host that offers DSN (RFC 3461), decoded. */
  notify: string | null;
  orcpt: string | null;
};

export type Envelope = {
  from: string;
  recipients: readonly EnvelopeRecipient[];
  size: number;
  /** What the message needs of the host (RFC 6152, RFC 6531). */
  eightBit: boolean;
  smtpUtf8: boolean;
  /** It travels on only under TLS (RFC 8689). */
  requireTls: boolean;
  ret: "FULL" | "HDRS" | null;
  envid: string | null;
};

export function mailCommand(envelope: Envelope, offers: Offers): string {
  const { from, size, eightBit, smtpUtf8, requireTls, ret, envid } = envelope;
  const dsn = offers.has("DSN");
  return [
    `MAIL FROM:<${from}>`,
    ...(offers.has("SIZE") ? [`SIZE=${size}`] : []),
    ...((eightBit || smtpUtf8) && offers.has("8BITMIME") ? ["BODY=8BITMIME"] : []),
    ...(smtpUtf8 ? ["SMTPUTF8"] : []),
    ...(requireTls ? ["REQUIRETLS"] : []),
    ...(dsn && ret ? [`RET=${ret}`] : []),
    ...(dsn && envid ? [`ENVID=${xtext(envid)}`] : []),
  ].join(" ");
}

/**
 * The report comes to us, by the return path: of a failure we always want to hear. Whom the member asked not to be told
 * of (NEVER) is no business of the next host.
 */
export function rcptCommand({ address, notify, orcpt }: EnvelopeRecipient, offers: Offers): string {
  const dsn = offers.has("DSN");
  const asked = notify === null || notify === "NEVER" ? [] : [...new Set([...notify.split(","), "FAILURE"])];
  return [
    `RCPT TO:<${address}>`,
    ...(dsn && asked.length > 0 ? [`NOTIFY=${asked.join(",")}`] : []),
    ...(dsn && orcpt && !/\P{ASCII}/u.test(orcpt) ? [`ORCPT=${xtext(orcpt)}`] : []),
  ].join(" ");
}

/** RFC 3461 section 4. */
function xtext(text: string): string {
  return text.replace(
    /[^!-*,-<>-~]/g,
    (char) => `+${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

const lack = (enhanced: string, text: string, code = 550): Reply => ({
  code,
  enhanced,
  text,
  phase: "mail",
  own: true,
});

/** What a message needs of any host. */
export type Needs = Pick<Envelope, "size" | "eightBit" | "smtpUtf8"> & {
  recipients: readonly Pick<EnvelopeRecipient, "address">[];
};

/** The reply of a host that cannot take the message as it is. What is signed is not converted: the signature would break. */
export function lackingFor(needs: Needs, offers: Offers): Reply | undefined {
  const { eightBit, smtpUtf8, recipients, size } = needs;
  const utf8Address = recipients.some(({ address }) => /\P{ASCII}/u.test(address));
  if ((smtpUtf8 || utf8Address) && !offers.has("SMTPUTF8")) {
    return utf8Address
      ? lack("5.6.7", "The host takes no addresses in UTF-8 (SMTPUTF8)")
      : lack("5.6.9", "The host takes no header in UTF-8 (SMTPUTF8); encode it (RFC 2047) and send it again");
  }
  if (eightBit && !offers.has("8BITMIME")) {
    return lack(
      "5.6.3",
      "The host takes no 8-bit content (8BITMIME); encode it (quoted-printable, base64) and send it again",
    );
  }
  const most = Number(offers.get("SIZE") ?? 0);
  return most > 0 && size > most
    ? lack("5.3.4", `The message has ${size} octets, and the host takes no more than ${most}`, 552)
    : undefined;
}

/** The extensions in a reply to EHLO (RFC 5321 section 4.1.1.1), and the name that the host gives itself. */
export function offersOf(lines: readonly string[]): { name: string; offers: Offers } {
  const [greeting = "", ...rest] = lines.map((line) => line.slice(4));
  const offers = new Map(
    rest.map((line) => {
      const [keyword = "", ...values] = line.trim().split(/\s+/);
      return [keyword.toUpperCase(), values.join(" ")] as const;
    }),
  );
  return { name: greeting.split(" ")[0]!.slice(0, 255), offers };
}

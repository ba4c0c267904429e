import { isAscii } from "node:buffer";
import { sealMessage } from "mailauth/lib/arc/index.js";
import type { Forwarded, ForwardWish } from "../feedback/index.ts";
import { createRateTable } from "../lib/rate-table.ts";
import { randomId } from "../lib/ids.ts";
import { parseHeader, relaxedBodyHash, valueOf } from "../protocol/dkim/index.ts";
import { srsAddress } from "../protocol/srs/index.ts";
import type { RelayContext } from "./context.ts";
import { createIntake } from "./submission/intake.ts";
import { parseAddress } from "./submission/address.ts";
import { mailDate } from "./submission/header.ts";

const MAX_BYTES = 1024 * 1024;
const MAX_HOPS = 25;
/** After everything that somebody waits for. */
const LAST = 2;
/** Replies to one member: thirty at once, sixty an hour. */
const RATE = { limit: 60, periodMs: 3_600_000, burst: 30 };
const MAX_MEMBERS = 10_000;
/** By one return path, which anybody may have found in a mail: ten at once, twenty a day. */
const PATH_RATE = { limit: 20, periodMs: 86_400_000, burst: 10 };
const MAX_PATHS = 50_000;
/** Names what was here before. */
const MARK = "x-atmos-forwarded";

/** What the seal covers beside the body: fields that nobody on the way has a reason to change. */
const SEALED =
  "from:to:cc:subject:date:message-id:reply-to:in-reply-to:references:mime-version:content-type:content-transfer-encoding";

/**
 * Sends a mail on to one address: with an envelope sender of ours (SRS), so that SPF passes and its bounce comes back here;
 * sealed (ARC, RFC 8617) with what we saw of its authentication; its content as it is, so that its signatures hold. Once
 * for each id.
 */
export function createForwarder(context: RelayContext) {
  const { identity, spool, signer, clock } = context;
  const { hostname, poolDomain, poolReturnPath, verpKey } = identity;
  const rates = createRateTable(RATE, MAX_MEMBERS);
  const paths = createRateTable(PATH_RATE, MAX_PATHS);

  /** ARC-Seal, ARC-Message-Signature, ARC-Authentication-Results; throws when they cannot be made. */
  async function seal(content: Uint8Array, { authentication }: ForwardWish): Promise<string> {
    const [key] = identity.poolKeys;
    if (!key) throw new Error("the pool has no key to seal with");
    const { result } = authentication.arc;
    const set = await sealMessage(Buffer.from(content), {
      signingDomain: key.domain,
      selector: key.selector,
      privateKey: key.key.export({ type: "pkcs8", format: "pem" }),
      headerList: SEALED,
      authResults: `${hostname}; ${authentication.results}`,
      cv: result === "pass" || result === "none" ? result : "fail",
      signTime: new Date(clock.now()),
    });
    const text = set.toString("latin1").replace(/\r?\n/g, "\r\n").trimEnd();
    return text === "" ? "" : `${text}\r\n`;
  }

  return async function forward(wish: ForwardWish & { address: string }): Promise<Forwarded> {
    const { id, raw, member, authentication } = wish;
    if (await spool.message(id)) return "known";
    const to = parseAddress(wish.address);
    if (!to) return "malformed";
    if (raw.length > MAX_BYTES) return "too-large";
    const intake = createIntake(MAX_BYTES);
    const body = intake.push(raw) ?? new Uint8Array();
    const taken = intake.end();
    if ("refusal" in taken) return "malformed";
    const fields = parseHeader(Buffer.from(taken.head).toString("latin1"));
    const passed = fields.filter(({ name }) => name === "received").length;
    if (passed > MAX_HOPS || fields.some(({ name }) => name === MARK) || isOurs(to.domain)) return "loop";
    const now = clock.now();
    const path = wish.to.split("@", 1)[0]!.toLowerCase();
    if (member && !paths.ask(path, now).ok) return "too-much";
    if (!rates.take(member?.did ?? "", now).ok) return "too-much";
    if (member) paths.take(path, now);

    const kept = fields.filter((field) => field.name !== "return-path" && !isOwnVerdict(field));
    const own = [
      `X-Atmos-Forwarded: ${poolDomain}; id=${id}`,
      `Received: from ${safe(wish.from)} ([${wish.ip}]) by ${hostname} (Atmosphere Mail) with ESMTP\r\n\tid ${id}; ${mailDate(now)}`,
      `Authentication-Results: ${hostname};\r\n ${authentication.results}`,
    ];
    const plain = [...own.map(octets), ...kept.map(({ raw: field }) => field), "", ""].join("\r\n");
    const content = Buffer.concat([Buffer.from(plain, "latin1"), body]);
    const sealed = `${await seal(content, wish)}${plain}`;
    const hash = relaxedBodyHash();
    hash.update(body);
    const unsigned = Buffer.from(sealed, "latin1");
    const signatures = await signer.sign({ head: unsigned, bodyHash: hash.digest(), domain: undefined, now });
    const head = Buffer.concat([Buffer.from(signatures, "latin1"), unsigned]);

    const recipient = randomId(10);
    const writer = spool.newBody();
    try {
      if (body.length > 0) await writer.write(body);
      const accepted = await spool.accept({
        message: {
          id,
          // Nobody's: no member sends it, and no policy is about it.
          did: `did:web:${poolDomain}`,
          credential: null,
          kind: "forward",
          sender: srsAddress(recipient, poolReturnPath, verpKey, now),
          fromDomain: member?.domain ?? poolDomain,
          // Which of the two tells whether a member is to hear of its end.
          stream: member ? "forward" : "role-mail",
          priority: LAST,
          template: null,
          receivedAt: now,
          size: head.length + body.length,
          eightBit: !isAscii(body),
          smtpUtf8: to.smtpUtf8 || !isAscii(taken.head),
          ret: null,
          envid: null,
          ask: "usual",
          head: new Uint8Array(head),
          body: await writer.finish(),
        },
        recipients: [
          {
            id: recipient,
            address: to.address,
            domain: to.domain,
            state: "queued",
            nextAt: now,
            firstTime: false,
            notify: null,
            orcpt: null,
          },
        ],
        events: [],
      });
      context.accepted();
      return accepted.duplicateOf === undefined ? "taken" : "known";
    } catch (error) {
      await writer.discard();
      // Another connection brought the same mail at the same moment.
      if (await spool.message(id).catch(() => undefined)) return "known";
      if ((error as { full?: unknown }).full === true) return "full";
      throw error;
    }
  };

  /** Mail to our own names would come back here. */
  function isOurs(domain: string): boolean {
    return domain === poolDomain || domain === poolReturnPath || domain === hostname;
  }

  /** Who writes our name into this field is not us (RFC 8601 section 5). */
  function isOwnVerdict(field: Parameters<typeof valueOf>[0]): boolean {
    if (field.name !== "authentication-results") return false;
    return valueOf(field).toLowerCase().startsWith(hostname.toLowerCase());
  }
}

/** A character for each octet: cut down to one, a character that is no octet could end the line. */
const octets = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** What a stranger calls itself, as it can stand in a header. */
function safe(name: string): string {
  return name.replace(/[^A-Za-z0-9._:[\]-]/g, "").slice(0, 255) || "unknown";
}

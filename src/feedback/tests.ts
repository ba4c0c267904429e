import { createHash } from "node:crypto";
import { parseHeader, valueOf } from "../protocol/dkim/index.ts";
import type { TestFacts } from "../test-mail/index.ts";
import { destinationOf, type AddressBook } from "./addresses.ts";
import type { FeedbackOptions } from "./index.ts";
import type { Incoming, Received } from "./types.ts";

type Parts = Pick<FeedbackOptions, "spool" | "newEvent" | "clock" | "memberByHandle"> & { book: AddressBook };

const HEADER_BYTES = 65_536;
const LONGEST_NAME = 255;
const MOST_SIGNATURES = 8;

/** Looks at a test mail as a receiver would, and tells core what was seen. Of the mail itself nothing is kept. */
export function createTests({ spool, newEvent, clock, memberByHandle, book }: Parts) {
  return async function test(mail: Incoming, about: { handle: string; id: string }): Promise<Received> {
    const member = memberByHandle(about.handle);
    if (!member) return { outcome: "ignored", why: "whose test it was has left" };
    const message = await sentAs(mail.mailFrom, member.did);
    const facts: TestFacts = {
      ...factsOf(mail),
      message: message?.id ?? null,
      handedInAt: message?.receivedAt ?? null,
    };
    const digest = createHash("sha256").update(mail.raw).digest("base64url").slice(0, 22);
    await spool.appendEvents([
      newEvent("test_arrived", {
        dedupe_key: `test:${about.id}:${digest}`,
        member,
        detail: { id: about.id, ...facts },
      }),
    ]);
    return { outcome: "test", did: member.did };
  };

  /** The message of ours that it is, by its return path. */
  async function sentAs(mailFrom: string, did: string) {
    const from = destinationOf(mailFrom, book, clock.now());
    if (from.kind !== "token") return undefined;
    const message = await spool.messageByRecipient(from.recipientId);
    return message?.did === did ? message : undefined;
  }
}

function factsOf({ raw, ip, from: helo, tls, authentication }: Incoming) {
  const { spf, dkim, dmarc } = authentication;
  return {
    from: short(fromDomainOf(raw)),
    ip,
    helo: short(helo),
    tls,
    spf: { result: spf.result, domain: short(spf.domain) },
    dkim: dkim.slice(0, MOST_SIGNATURES).map(({ domain, selector, result }) => ({
      domain: short(domain),
      selector: short(selector),
      result,
    })),
    dmarc: { result: dmarc.result, domain: short(dmarc.domain), policy: short(dmarc.policy) },
  };
}

const short = (text: string) => text.slice(0, LONGEST_NAME).toLowerCase();

/** Of the last address in `From:`; empty where there is none. */
function fromDomainOf(raw: Uint8Array): string {
  const text = Buffer.from(raw.subarray(0, HEADER_BYTES)).toString("latin1").replace(/\r?\n/g, "\r\n");
  const field = parseHeader(text).find(({ name }) => name === "from");
  return /@([A-Za-z0-9.-]+)>?\s*$/.exec(field ? valueOf(field) : "")?.[1] ?? "";
}

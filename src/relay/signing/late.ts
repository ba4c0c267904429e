import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../platform/log.ts";
import { domainOf, type PolicyBook } from "../../policy/index.ts";
import { relaxedBodyHash } from "../../protocol/dkim/index.ts";
import type { MessageContent, MessageRow, Spool } from "../../spool/index.ts";
import { withSignatures, type Signer } from "./index.ts";

const AT_ONCE = 100;
const MOST = 1_000;

type Parts = {
  spool: Pick<Spool, "unsigned" | "content" | "sign">;
  policyBook: Pick<PolicyBook, "byDid">;
  signer: Signer;
  clock: Clock;
  log: Logger;
};

/**
 * Signs what could not be signed when it came, oldest first, at most a thousand messages, and lets it go. A domain whose
 * keys do not open yet is asked once in a run. Resolves with how many were signed.
 */
export function createLateSigner({ spool, policyBook, signer, clock, log }: Parts) {
  let running: Promise<number> | undefined;

  /** Undefined: its body cannot be read, which is no reason for others to wait. */
  async function hashOf({ id }: MessageRow, { body }: MessageContent): Promise<string | undefined> {
    const hash = relaxedBodyHash();
    try {
      for await (const chunk of body()) hash.update(chunk);
    } catch (err) {
      log.error({ err, message: id }, "the body of held mail cannot be read");
      return undefined;
    }
    return hash.digest();
  }

  async function signOne(message: MessageRow, failed: Set<string>): Promise<boolean> {
    const member = policyBook.byDid(message.did);
    const domain = member && domainOf(member, message.fromDomain);
    if (!domain || failed.has(domain.name)) return false;
    const content = await spool.content(message.id);
    const bodyHash = content && (await hashOf(message, content));
    if (!content || bodyHash === undefined) return false;
    const now = clock.now();
    try {
      const signatures = await signer.sign({ head: content.head, bodyHash, domain, now });
      return await spool.sign(message.id, withSignatures(signatures, content.head), now);
    } catch (err) {
      log.warn({ err, domain: domain.name }, "held mail cannot be signed yet");
      failed.add(domain.name);
      return false;
    }
  }

  async function run(): Promise<number> {
    const failed = new Set<string>();
    let signed = 0;
    let after = 0;
    for (let seen = 0; seen < MOST; seen += AT_ONCE) {
      const messages = await spool.unsigned(AT_ONCE, after);
      for (const message of messages) if (await signOne(message, failed)) signed++;
      after = messages.at(-1)?.seq ?? after;
      if (messages.length < AT_ONCE) break;
    }
    return signed;
  }

  /** One at a time. */
  return (): Promise<number> => (running ??= run().finally(() => (running = undefined)));
}

import { oneLine } from "../../lib/one-line.ts";
import { domainOf, type PolicyBook } from "../../policy/index.ts";
import type { Leased } from "../../spool/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ForwardFailure } from "../context.ts";
import type { Ending, Notice } from "./notice.ts";

const FAILURES: ReadonlySet<Ending["kind"]> = new Set(["failed", "expired", "returned"]);
/** Of the other side's words. */
const MAX_SAID = 500;

type Parts = { policyBook: PolicyBook; clock: Clock; forwardFailed: (failure: ForwardFailure) => void };

/**
 * What is told of mail that could not be sent on: to the committee always; to the member for whom it was on its page alone,
 * for the address that refuses is where mail would go.
 */
export function createForwardNotices({ policyBook, clock, forwardFailed }: Parts) {
  return function noticeOf(
    { address, message }: Pick<Leased, "address" | "message">,
    { kind, status, remote, diagnostic }: Ending,
  ): Notice | undefined {
    if (!FAILURES.has(kind)) return undefined;
    const { stream, fromDomain } = message;
    const member =
      stream === "forward" ? policyBook.all().find((one) => domainOf(one, fromDomain)) : undefined;
    const did = member?.did ?? null;
    const said = oneLine(diagnostic, MAX_SAID);
    const at = clock.now();
    forwardFailed({ did, domain: fromDomain, address, status, remote, said, at });
    if (did === null) return undefined;
    return { told: { at, kind, status, sentTo: null, did, text: wordsFor({ address, remote, said, did }) } };
  };
}

function wordsFor({
  address,
  remote,
  said,
  did,
}: Record<"address" | "remote" | "said" | "did", string>): string {
  return [
    "A reply to your mail could not be sent on to",
    `  ${address}`,
    remote ? `The last answer of ${remote} was:` : "The reason:",
    `  ${said || "it said nothing"}`,
    "Who wrote it was not told, and replies are lost until this is mended: have that mailbox take mail again, or choose another address for replies, here or with",
    `  atmos member replies ${did} --to ADDRESS`,
    "Without an address (--none) people hear at once that nobody reads replies.",
    "",
  ].join("\n\n");
}

import type * as listLexicon from "../../protocol/lexicon/community/email/listTests.ts";
import type { Test } from "../../test-mail/index.ts";
import { datetime } from "../xrpc-view.ts";
import { present } from "./view-parts.ts";

/** A test mail with what came of it. */
export function testBody({ id, address, sent, madeAt, arrivals }: Test): listLexicon.Test {
  return {
    ...present({ id, address, domain: sent?.domain ?? null }),
    madeAt: datetime(madeAt),
    arrivals: arrivals.map(({ at, passed, facts, verdicts }) => ({
      ...present({ message: facts.message }),
      at: datetime(at),
      passed,
      verdicts,
    })),
  };
}

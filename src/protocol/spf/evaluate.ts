import { spf } from "mailauth/lib/spf/index.js";
import { mailauthResolver, type Resolver } from "../dns/index.ts";

/** RFC 7208 section 2.6. */
const SPF_RESULTS = ["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"] as const;
export type SpfResult = (typeof SPF_RESULTS)[number];

export type SpfQuestion = {
  /** Of the host that sends. */
  ip: string;
  /** The envelope sender; when it is empty, `helo` is judged (RFC 7208 section 2.4). */
  mailFrom: string;
  helo: string;
};

export type SpfEvaluation = {
  result: SpfResult;
  /** Why, in words. */
  detail: string;
  /** What the owner says about a failure (`exp=`, RFC 7208 section 6.2): text of a stranger. */
  explanation?: string;
};

const MAX_ELAPSED_MS = 20_000;

/**
 * What a receiver concludes about one envelope sender and one address: `check_host()` of RFC 7208, by `mailauth` in
 * its strict mode. Never rejects.
 */
export async function evaluateSpf(question: SpfQuestion, resolver: Resolver): Promise<SpfEvaluation> {
  try {
    const found = await spf({
      ip: question.ip,
      sender: question.mailFrom,
      helo: question.helo,
      mta: "localhost",
      resolver: mailauthResolver(resolver),
      strict: true,
      maxElapsedTime: MAX_ELAPSED_MS,
    });
    const result = SPF_RESULTS.find((known) => known === found.status.result) ?? "permerror";
    return {
      result,
      detail: found.status.comment ?? "",
      ...(found.explanation !== undefined && { explanation: found.explanation }),
    };
  } catch (error) {
    return { result: "permerror", detail: error instanceof Error ? error.message : String(error) };
  }
}

import type { AllowlistOptions } from "../allowlist/index.ts";
import type { Labeler } from "./labeler.ts";

/** What the allowlist is made from, read from the labeler of the same process. */
export function allowlistSource({ labels, attestations }: Labeler): AllowlistOptions["source"] {
  return {
    labels: () => labels.active().map((label) => ({ ...label, since: labelledSince(label) })),
    records: () => attestations.list(),
    wasNegated: ({ did, uri }) =>
      [uri, did].some((subject) => {
        const last = labels
          .history(did)
          .filter(({ label }) => label.uri === subject)
          .at(-1);
        return last?.label.neg === true;
      }),
  };

  /** A renewal says again what was said: the time of the first assertion after the last negation. */
  function labelledSince({ uri, val, cts }: { uri: string; val: string; cts: string }): string {
    const did = uri.replace(/^at:\/\//, "").split("/")[0]!;
    let since: string | undefined;
    for (const { label } of labels.history(did)) {
      if (label.uri !== uri || label.val !== val) continue;
      since = label.neg ? undefined : (since ?? label.cts);
    }
    return since ?? cts;
  }
}

import type { AllowlistOptions } from "../allowlist/index.ts";
import type { Labeler } from "./labeler.ts";

/** What the allowlist is made from, read from the labeler of the same process. */
export function allowlistSource({ labels, attestations }: Labeler): AllowlistOptions["source"] {
  return {
    labels: () =>
      labels.inForce().map(({ label, since }) => ({ ...label, since: new Date(since).toISOString() })),
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
}

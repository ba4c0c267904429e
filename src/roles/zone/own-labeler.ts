import type { AllowlistStore, List } from "../../allowlist/index.ts";
import type { Attestation } from "../../attestation/index.ts";
import type { Labeler } from "../labeler.ts";

const PAGE = 1_000;

/** Keeps a list up to date with the labels and the attestations of the labeler of the same process. */
export function followOwnLabeler(labeler: Labeler, list: List, store: AllowlistStore, onChange: () => void) {
  const { labels, attestations } = labeler;
  const src = labels.did;
  let last: Promise<void> = Promise.resolve();

  async function pull(): Promise<void> {
    for (;;) {
      const page = await labels.after(store.cursor(src) ?? 0, PAGE);
      if (page.length === 0) return;
      const said = page.map(({ label }) => label);
      list.takeLabels(src, said, page.at(-1)!.seq);
    }
  }
  function pullSoon(): void {
    last = last.then(pull).then(onChange);
  }
  const claimsOf = (all: readonly Attestation[]) =>
    all.map(({ uri, cid, did, domain, record }) => ({
      uri,
      cid,
      did,
      domain,
      checks: Object.fromEntries(attestations.latestChecks(uri).map(({ check, status }) => [check, status])),
      egress: (record.egress ?? []).map(({ address }) => address),
    }));

  const offLabels = labels.onLabels(pullSoon);
  const offAttestations = attestations.onChange(({ did }) => {
    list.putClaims(did, claimsOf(attestations.activeOf(did)));
    onChange();
  });
  const byDid = Map.groupBy(attestations.list(), ({ did }) => did);
  for (const did of store.claimants()) if (!byDid.has(did)) list.putClaims(did, []);
  for (const [did, all] of byDid) list.putClaims(did, claimsOf(all));
  pullSoon();

  return {
    settle: () => last,
    async close(): Promise<void> {
      offLabels();
      offAttestations();
      await last;
    },
  };
}

import type { EgressNotice, EgressStatus, Listing, ProviderStatus } from "../egress/index.ts";

const time = (at: number): string => new Date(at).toISOString().slice(0, 16).replace("T", " ");

/** What `atmos egress show` prints. */
export function egressLines(
  addresses: readonly EgressStatus[],
  notices: readonly EgressNotice[],
  now: number,
): string[] {
  const lines = addresses.flatMap((one) => [...addressLines(one), ""]);
  if (addresses.length > 0 && addresses.every(({ out }) => out !== undefined)) {
    const codes = addresses.some(({ out }) => out!.codes);
    const what = codes ? "ONLY LOGIN CODES LEAVE" : "NO MAIL LEAVES";
    lines.unshift(
      `${what}: every address is out of use. Mail waits, five days at most; new mail is answered 451.`,
      "",
    );
  }
  if (notices.length > 0) {
    lines.push("What happened:");
    for (const { at, address, change, why } of notices)
      lines.push(`  ${time(at)}  ${address || "all addresses"} ${change}: ${why}`);
    lines.push("");
  }
  return [...lines, `As of ${time(now)} UTC. Days end at midnight UTC.`];
}

function addressLines(one: EgressStatus): string[] {
  const { address, ehlo, out, warm, reverse, listings, providers } = one;
  const head = `${address || "the system's own choice of address"}  EHLO ${ehlo}${warm ? "  (warm)" : ""}`;
  const use = out
    ? `  OUT OF USE since ${time(out.since)}: ${out.why}${out.codes ? " (login codes still leave)" : ""}`
    : "  in use";
  return [
    head,
    use,
    `  reverse DNS: ${reverse ? (reverse.problem ?? `${reverse.names.join(", ")}, and back`) : "not looked at"}`,
    ...listings.map((listing) => `  ${listing.list}: ${listingWords(listing)}`),
    ...providerTable(providers),
  ];
}

function listingWords({ state, evidence, listed, clear, checkedAt }: Listing): string {
  const at = `(${time(checkedAt)})`;
  if (listed && state === "listed")
    return `LISTED since ${time(listed.since)}: ${evidence} ${listed.text} ${at}`;
  if (listed) return `listed since ${time(listed.since)}, now ${state}, ${clear} of 2 clear looks ${at}`;
  return state === "clear" ? `clear ${at}` : `says nothing: ${evidence} ${at}`;
}

function providerTable(providers: readonly ProviderStatus[]): string[] {
  if (providers.length === 0) return ["  nothing has left from it yet"];
  const rows = providers.map(({ provider, stage, stages, allowance, usedToday, pausedUntil, why }) => [
    provider,
    stages === 0 ? "warm" : stage >= stages ? "warm" : `${stage + 1} of ${stages}`,
    allowance === undefined ? `${usedToday}` : `${usedToday} of ${allowance}`,
    pausedUntil === undefined ? (why ?? "") : `paused until ${time(pausedUntil)}: ${why ?? ""}`,
  ]);
  return table([["provider", "stage", "today", "why"], ...rows]).map((line) => `  ${line}`);
}

/** Columns as wide as their widest cell; the second and later ones but the last are aligned to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i]!) : i === columns - 1 ? cell : cell.padStart(widths[i]!),
      )
      .join("  ")
      .trimEnd(),
  );
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `12 Mar 2026` of an instant in ms, UTC. */
export function formatDate(at: number): string {
  const d = new Date(at);
  return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
}

/** `12 Mar 2026, 14:05 UTC` of an instant in ms. */
export function formatTime(at: number): string {
  return `${formatDate(at)}, ${new Date(at).toISOString().slice(11, 16)} UTC`;
}

/** `12,345` of a whole number. */
export function formatCount(n: number): string {
  return Math.round(n).toLocaleString("en-GB");
}

/** `1.4 %` of a share between 0 and 1: two digits that count, never more than one decimal above 1 %. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0) return "0 %";
  if (percent < 0.1) return `${percent.toFixed(3)} %`;
  return `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}

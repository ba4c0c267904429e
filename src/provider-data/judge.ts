import type { Figures, Provider } from "./types.ts";

export type Level = "ok" | "warn" | "bad";

/** Gmail's and Yahoo's own limits: below the first always, never the second. Shares of delivered mail. */
export const SPAM_RATE = { warn: 0.001, bad: 0.003 } as const;
/** With fewer deliveries a day one complaint is more than the limit, and says little. */
const TELLING_DELIVERIES = 1_000;

/** What one day's figures mean, in words. Undefined: they say nothing of it. */
export function judge(provider: Provider, figures: Figures): { level: Level; words: string } | undefined {
  if (provider === "gmail")
    return ofRate(number(figures["spam_rate"]), "reported as spam by people at Gmail");
  if (provider === "microsoft") return ofMicrosoft(figures);
  if (provider === "yahoo") return ofYahoo(figures);
  return ofBlocklists(figures);
}

function ofRate(rate: number | undefined, what: string) {
  if (rate === undefined) return undefined;
  const words = `${percent(rate)} ${what}`;
  return { level: rate >= SPAM_RATE.bad ? "bad" : rate >= SPAM_RATE.warn ? "warn" : "ok", words } as const;
}

function ofMicrosoft(figures: Figures) {
  const { filter, blocked, blocked_reason: reason } = figures;
  if (blocked === true)
    return { level: "bad", words: `blocked${typeof reason === "string" ? `: ${reason}` : ""}` } as const;
  const rate = ofRate(number(figures["complaint_rate"]), "complaints");
  const traps = number(figures["trap_hits"]) ?? 0;
  const said = [typeof filter === "string" ? `filter ${filter}` : "", rate?.words ?? ""];
  if (traps > 0) said.push(`${traps} to spam traps`);
  const words = said.filter(Boolean).join(", ");
  if (filter === "red") return { level: "bad", words } as const;
  if (filter === "yellow" || traps > 0)
    return { level: rate?.level === "bad" ? "bad" : "warn", words } as const;
  if (filter === "green" || rate) return { level: rate?.level ?? "ok", words } as const;
  if (typeof figures["complaint_rate_below"] === "number")
    return { level: "ok", words: `complaints below ${percent(figures["complaint_rate_below"])}` } as const;
  return undefined;
}

function ofYahoo(figures: Figures) {
  const complaints = number(figures["complaints"]);
  const delivered = number(figures["delivered"]);
  if (complaints === undefined || delivered === undefined) return undefined;
  const words = `${complaints} complaints, ${delivered} delivered`;
  if (complaints === 0) return { level: "ok", words } as const;
  if (delivered < TELLING_DELIVERIES) return { level: "warn", words } as const;
  return { level: ofRate(complaints / delivered, "")!.level, words } as const;
}

function ofBlocklists(figures: Figures) {
  const listed = number(figures["listed"]);
  if (listed === undefined) return undefined;
  if (listed > 0) return { level: "bad", words: `on ${String(figures["lists"] ?? listed)}` } as const;
  if (figures["reverse_dns"] === false)
    return { level: "warn", words: "on no list; reverse DNS does not fit" } as const;
  return { level: "ok", words: "on no list" } as const;
}

const number = (value: Figures[string] | undefined) => (typeof value === "number" ? value : undefined);

const percent = (share: number) => `${Number((share * 100).toFixed(3))} %`;

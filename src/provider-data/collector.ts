import { DAY_MS } from "../lib/clock.ts";
import { openSealed, seal, type OpeningKey } from "../platform/seal.ts";
import { dayName } from "./days.ts";
import { askGmail, GMAIL_API } from "./gmail.ts";
import type { Fetch } from "./http.ts";
import { oauthClient, refresh, type Endpoints, type Grant } from "./oauth.ts";
import { askSnds, askSndsLink, SNDS_API } from "./snds.ts";
import type { ProviderStore } from "./store.ts";
import type { Collected, ConnectedProvider, Outcome } from "./types.ts";

/** Gmail's figures are one to three days late and change after: each look asks for the last days again. */
const CATCH_UP_DAYS = 7;
/** The first look, and one after a long silence, reaches back so far. */
const REACH_DAYS = 30;
const LOOK_EVERY_MS = DAY_MS;
const FIRST_RETRY_MS = 15 * 60_000;
const LAST_RETRY_MS = 12 * 3_600_000;

/** What is kept sealed. */
export type Secret = { way: "oauth"; grant: Grant } | { way: "link"; url: string };

export type CollectorOptions = {
  store: ProviderStore;
  key: OpeningKey;
  fetch: Fetch;
  now: () => number;
  /** Ours. */
  domains: () => readonly string[];
  /** Where a provider is: tests have their own. */
  endpoints?: Partial<Record<ConnectedProvider, Endpoints & { api: string }>>;
};

/** When to look again after so many failures in a row; what the provider asked for counts, if it is more. */
export function nextTry(failures: number, asked: number | undefined, broken: boolean): number {
  const wait = broken
    ? LAST_RETRY_MS
    : Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1), LAST_RETRY_MS);
  return Math.max(wait, asked ?? 0);
}

/** From which day a look asks: the last week, or further back when the last look is longer ago, or there was none. */
export function reachOf(fetchedAt: number | null, now: number): string {
  const since = fetchedAt === null ? REACH_DAYS : Math.ceil((now - fetchedAt) / DAY_MS) + CATCH_UP_DAYS;
  return dayName(now - Math.min(since, REACH_DAYS) * DAY_MS);
}

export type Looked =
  | { ok: true; changed: number; subjects: number; faults: string[] }
  | { ok: false; why: string; broken: boolean };

export function createCollector(options: CollectorOptions) {
  const { store, key, fetch, now } = options;
  /** One look at a time at each: a refresh token that is replaced with each use must not be used twice. */
  const running = new Map<ConnectedProvider, Promise<Looked>>();

  async function collect(provider: ConnectedProvider, from: string, to: string): Promise<Outcome<Collected>> {
    const sealed = store.sealed(provider);
    if (sealed === undefined) return { ok: false, kind: "broken", why: "It is not connected" };
    let secret: Secret;
    try {
      secret = JSON.parse(await openSealed(key, sealed)) as Secret;
    } catch {
      return {
        ok: false,
        kind: "broken",
        why: "What was stored does not open: ATMOS_CORE_SECRET has changed since",
      };
    }
    if (secret.way === "link") return askSndsLink(fetch, secret.url, now());
    const { grant } = secret;
    const { api, ...endpoints } = options.endpoints?.[provider] ?? {};
    const own = "tokenUrl" in endpoints ? endpoints : undefined;
    const tokens = await refresh(oauthClient(provider, grant, own), fetch, grant.refreshToken);
    if (!tokens.ok) return tokens;
    const { accessToken, refreshToken } = tokens.value;
    if (refreshToken !== grant.refreshToken) {
      const after: Secret = { way: "oauth", grant: { ...grant, refreshToken } };
      store.reseal(provider, sealed, await seal(key, JSON.stringify(after)));
    }
    if (provider === "microsoft")
      return askSnds({ fetch, accessToken, api: api ?? SNDS_API, now: now() }, from, to);
    const domains = options.domains();
    return askGmail({ fetch, accessToken, api: api ?? GMAIL_API, domains, now: now() }, from, to);
  }

  async function lookOnce(provider: ConnectedProvider): Promise<Looked> {
    const before = store.connection(provider);
    if (!before) return { ok: false, why: "It is not connected", broken: true };
    const begun = now();
    // Today's figures are nobody's yet.
    const got = await collect(provider, reachOf(before.fetchedAt, begun), dayName(begun - DAY_MS));
    const at = now();
    if (!got.ok) {
      const broken = got.kind === "broken";
      const wait = nextTry(before.failures + 1, got.retryAfterMs, broken);
      store.failed(provider, at, at + wait, got.why, broken);
      return { ok: false, why: got.why, broken };
    }
    const { faults, subjects } = got.value;
    const changed = store.save(got.value, provider, at);
    store.fetched(
      provider,
      at,
      at + (faults.length > 0 ? LAST_RETRY_MS : LOOK_EVERY_MS),
      faults.join("; ").slice(0, 1_000),
    );
    return { ok: true, changed, subjects: subjects.length, faults };
  }

  function look(provider: ConnectedProvider): Promise<Looked> {
    const one = running.get(provider) ?? lookOnce(provider).finally(() => running.delete(provider));
    running.set(provider, one);
    return one;
  }

  return {
    look,
    /** Those whose time it is. */
    async lookWhereDue(): Promise<void> {
      const due = store.connections().filter(({ nextAt }) => nextAt <= now());
      for (const { provider } of due) await look(provider);
    },
    /** A login that the provider refuses at once is not kept, and takes the place of none that works. */
    async connect(provider: ConnectedProvider, secret: Secret, by: string): Promise<Looked> {
      const sealed = await seal(key, JSON.stringify(secret));
      await running.get(provider);
      const before = store.kept(provider);
      store.connect(provider, { way: secret.way, sealed, by, at: now() });
      const looked = await look(provider);
      if (!looked.ok && looked.broken) store.restore(provider, before);
      return looked;
    },
  };
}

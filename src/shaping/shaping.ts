import { nearest } from "../lib/nearest.ts";
import { OTHER, type Provider, type ShapingData } from "./build.ts";
import { judgeBy } from "./rule.ts";
import type { RuleWords, Shaping } from "./types.ts";

/** What the files say, ready to be asked. Pure. */
export function createShaping({ providers, other, domains }: ShapingData): Shaping {
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  const find = (id: string): Provider => byId.get(id) ?? other;
  const hosts = hostIndex(providers);
  const mailboxes = new Map(providers.flatMap(({ id, mailboxes: all }) => all.map((name) => [name, id])));
  const ids = providers.map(({ id }) => id);
  const words = new Map(
    [other, ...providers].flatMap(({ rules }) =>
      rules.map(({ name, advice, source }): [string, RuleWords] => [name, { advice, source }]),
    ),
  );
  const clear = [...domains].filter(([, { tls }]) => tls === "clear").map(([name]) => name);
  return {
    providerOf: (host) => hosts(plain(host)) ?? OTHER,
    providerOfMailbox: (domain) => mailboxes.get(plain(domain)),
    providers: () => ids,
    limitsOf: (id) => find(id).limits,
    judge: (id, reply) => judgeBy(find(id).rules, reply),
    ruleWords: (name) => words.get(name),
    nameOf: (id) => (id === OTHER ? other.name : (byId.get(id)?.name ?? id)),
    domainRule: (domain) => domains.get(plain(domain)),
    clearDomains: () => clear,
  };
}

const plain = (name: string) => name.toLowerCase().replace(/\.$/, "");

/** The provider with the longest pattern that a host ends with; where two are as long, the one without `*`. */
function hostIndex(providers: readonly Provider[]): (host: string) => string | undefined {
  const literal = new Map<string, string>();
  const starred: { labels: string[]; id: string }[] = [];
  for (const { id, mx } of providers) {
    for (const pattern of mx) {
      if (pattern.includes("*")) starred.push({ labels: pattern.split("."), id });
      else literal.set(pattern, id);
    }
  }
  return (host) => {
    const labels = host.split(".");
    for (let n = labels.length; n > 0; n--) {
      const end = labels.slice(-n);
      const id = literal.get(end.join(".")) ?? starred.find((s) => endsLike(end, s.labels))?.id;
      if (id !== undefined) return id;
    }
    return undefined;
  };
}

function endsLike(end: readonly string[], pattern: readonly string[]): boolean {
  return end.length === pattern.length && pattern.every((label, i) => label === "*" || label === end[i]);
}

/** A sentence where no provider has this name; undefined: one has. */
export function unknownProvider(shaping: Pick<Shaping, "providers">, name: string): string | undefined {
  const known = shaping.providers();
  if (name === OTHER || known.includes(name)) return undefined;
  const near = nearest(name, known);
  return near === undefined
    ? `"${name}" is no provider; there are ${known.join(", ")}`
    : `"${name}" is no provider; did you mean ${near}? All of them: atmos shaping show`;
}

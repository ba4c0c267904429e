import type { ProviderTable, RuleTable, ShapingDocument } from "./schema.ts";

/**
 * Lays one document over another: what both say, the upper one says. Lists are replaced, not joined. Rules that only
 * the upper one has come first, so that they are asked first; a rule that both have keeps its place. A host or a mailbox
 * domain that the upper one gives to a provider is no other's any more. Pure.
 */
export function layOver(lower: ShapingDocument, upper: ShapingDocument): ShapingDocument {
  return {
    default: { ...lower.default, ...upper.default },
    provider: layProviders(lower.provider ?? {}, upper.provider ?? {}),
    rule: layRules(lower.rule ?? {}, upper.rule ?? {}),
    domain: { ...lower.domain, ...upper.domain },
  };
}

type Providers = Record<string, ProviderTable>;

function layProviders(lower: Providers, upper: Providers): Providers {
  const hosts = new Map(claims(upper, "mx"));
  const domains = new Map(claims(upper, "mailboxes"));
  const out: Providers = {};
  for (const [id, table] of Object.entries(lower)) {
    const over = Object.hasOwn(upper, id) ? upper[id] : undefined;
    out[id] = {
      ...table,
      ...(table.mx && { mx: table.mx.filter((host) => (hosts.get(host) ?? id) === id) }),
      ...(table.mailboxes && {
        mailboxes: table.mailboxes.filter((domain) => (domains.get(domain) ?? id) === id),
      }),
      ...over,
      rule: layRules(table.rule ?? {}, over?.rule ?? {}),
    };
  }
  for (const [id, table] of Object.entries(upper)) if (!Object.hasOwn(out, id)) out[id] = table;
  return out;
}

function claims(providers: Providers, key: "mx" | "mailboxes"): [string, string][] {
  return Object.entries(providers).flatMap(([id, table]) =>
    (table[key] ?? []).map((name): [string, string] => [name, id]),
  );
}

type Rules = Record<string, RuleTable>;

function layRules(lower: Rules, upper: Rules): Rules {
  const added = Object.entries(upper).filter(([name]) => !Object.hasOwn(lower, name));
  const kept = Object.entries(lower).map(([name, rule]): [string, RuleTable] => [
    name,
    { ...rule, ...upper[name] },
  ]);
  return Object.fromEntries([...added, ...kept]);
}

import { nearest } from "../lib/nearest.ts";
import type { Rule } from "./rule.ts";
import type { ProviderTable, RuleTable, ShapingDocument } from "./schema.ts";
import type { DomainTls, Limits, Measure } from "./types.ts";

/** A provider as it is used: whole, with what it has from the one that it is like. */
export type Provider = {
  id: string;
  /** For people. */
  name: string;
  mx: readonly string[];
  mailboxes: readonly string[];
  limits: Limits;
  /** In the order in which they are asked; those for everybody come last. */
  rules: readonly Rule[];
};

export type ShapingData = {
  providers: readonly Provider[];
  /** Of hosts that are nobody's known. */
  other: Provider;
  domains: ReadonlyMap<string, DomainTls>;
};

export type Problem = {
  /** Of the key. */
  path: PropertyKey[];
  words: string;
  /** Where the path does not say it. */
  line?: number;
};

/** The provider of everybody else. */
export const OTHER = "other";

const FLOOR: DomainTls = { tls: "floor", minVersion: "TLSv1.2" };
const VERSIONS = { "1.2": "TLSv1.2", "1.3": "TLSv1.3" } as const;

/** What a whole document means, or what it lacks. Pure. */
export function build(
  document: ShapingDocument,
): { ok: true; data: ShapingData } | { ok: false; problems: Problem[] } {
  const problems: Problem[] = [];
  const tables = document.provider ?? {};
  const general = rulesOf(document.rule ?? {}, "general", ["rule"], problems);
  const fallback = limitsOf(document.default ?? {}, ["default"], problems);
  problems.push(...likes(tables), ...twice(tables, "mx"), ...twice(tables, "mailboxes"));
  if (OTHER in tables) {
    const words = "is the name of everybody else: their limits are in [default], their rules in [rule]";
    problems.push({ path: ["provider", OTHER], words });
  }
  const own = new Map(
    Object.entries(tables).map(([id, { rule = {} }]) => [
      id,
      rulesOf(rule, id, ["provider", id, "rule"], problems),
    ]),
  );
  const providers = Object.entries(tables).map(([id, table]): Provider => {
    const model = table.like === undefined ? undefined : tables[table.like];
    if (!table.mx)
      problems.push({ path: ["provider", id], words: "needs mx, the hosts by which it is known" });
    return {
      id,
      name: table.name ?? id,
      mx: table.mx ?? [],
      mailboxes: table.mailboxes ?? [],
      limits: limitsOf({ ...document.default, ...model, ...table }, ["provider", id], []),
      rules: [...own.get(id)!, ...(own.get(table.like ?? "") ?? []), ...general],
    };
  });
  const domains = Object.entries(document.domain ?? {}).map(([domain, table]): [string, DomainTls] => [
    domain,
    {
      tls: table.tls ?? FLOOR.tls,
      minVersion: table.min_version ? VERSIONS[table.min_version] : FLOOR.minVersion,
    },
  ]);
  for (const [domain, { tls, minVersion }] of domains) {
    if (tls === "clear" && minVersion !== FLOOR.minVersion)
      problems.push({
        path: ["domain", domain],
        words: "may go in clear, so min_version means nothing: remove one",
      });
  }
  if (problems.length > 0) return { ok: false, problems };
  const other = {
    id: OTHER,
    name: "everybody else",
    mx: [],
    mailboxes: [],
    limits: fallback,
    rules: general,
  };
  return { ok: true, data: { providers, other, domains: new Map(domains) } };
}

type LimitTable = Partial<
  Pick<
    ProviderTable,
    "connections" | "connections_per_address" | "messages_per_connection" | "messages_per_minute"
  >
>;

function limitsOf(table: LimitTable, path: string[], problems: Problem[]): Limits {
  const need = (key: keyof LimitTable): number => {
    if (table[key] === undefined) problems.push({ path, words: `needs ${key}` });
    return table[key] ?? 1;
  };
  return {
    connections: need("connections"),
    connectionsPerAddress: need("connections_per_address"),
    messagesPerConnection: need("messages_per_connection"),
    perMinute: table.messages_per_minute,
  };
}

function rulesOf(
  tables: Record<string, RuleTable>,
  owner: string,
  path: string[],
  problems: Problem[],
): Rule[] {
  return Object.entries(tables).flatMap(([name, table]): Rule[] => {
    if (table.off === true) return [];
    const say = (words: string) => problems.push({ path: [...path, name], words });
    const { code = [], enhanced = [], phase = [], text = [] } = table;
    if (code.length + enhanced.length + text.length === 0)
      say("needs a condition: text, enhanced or code, or it would match every reply");
    return [
      {
        name: `${owner}/${name}`,
        codes: code,
        enhanced,
        phases: phase,
        phrases: text,
        class: table.class,
        fault: table.fault,
        outcome: table.outcome,
        measure: measureOf(table, say),
        advice: table.advice,
        source: table.source,
      },
    ];
  });
}

function measureOf(
  { measure = "none", for: ms }: RuleTable,
  say: (words: string) => void,
): Measure | undefined {
  if (measure === "none") return undefined;
  if (ms === undefined) {
    say(`needs for = "2h" or the like: how long the measure ${measure} holds`);
    return undefined;
  }
  return { do: measure, ms };
}

function likes(tables: Record<string, ProviderTable>): Problem[] {
  return Object.entries(tables).flatMap(([id, { like }]): Problem[] => {
    if (like === undefined) return [];
    const path = ["provider", id, "like"];
    const model = tables[like];
    if (!model) {
      const near = nearest(like, Object.keys(tables));
      return [{ path, words: `names no provider${near === undefined ? "" : `; did you mean ${near}?`}` }];
    }
    return model.like === undefined
      ? []
      : [{ path, words: `names ${like}, which is itself like ${model.like}: name that one` }];
  });
}

function twice(tables: Record<string, ProviderTable>, key: "mx" | "mailboxes"): Problem[] {
  const owners = new Map<string, string>();
  return Object.entries(tables).flatMap(([id, table]) =>
    (table[key] ?? []).flatMap((name): Problem[] => {
      const owner = owners.get(name);
      owners.set(name, id);
      return owner === undefined
        ? []
        : [{ path: ["provider", id, key], words: `names ${name}, which is ${owner}'s already` }];
    }),
  );
}

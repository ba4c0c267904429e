import { hostname } from "node:os";
import {
  checkDomain,
  normalizeDomain,
  senderRequirements,
  summarize,
  type CheckResult,
  type Requirement,
  type Transport,
} from "../attestation/index.ts";
import { systemClock } from "../lib/clock.ts";
import { createResolver } from "../platform/dns/index.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { createSmtpConnect } from "../platform/smtp-connect.ts";
import { probeSmtp } from "../protocol/smtp-probe/index.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

export type CheckOptions = {
  did?: string;
  selector?: string[];
  resolver?: string;
  /** The older name of `resolver`. */
  dns?: string;
  pool?: string;
  transport?: boolean;
  /** Port of the mail servers, and whether they may be on private addresses: for a sandbox. */
  smtpPort?: string;
  allowPrivate?: boolean;
  helo?: string;
  json?: boolean;
};

const SIGN = { pass: "ok  ", warn: "warn", fail: "FAIL", temperror: "?   " } as const;
const PROVIDERS = { gmail: "Gmail", yahoo: "Yahoo", microsoft: "Microsoft" } as const;

/** `atmos check DOMAIN`: needs no configuration and no account. */
export async function check(domain: string, options: CheckOptions): Promise<number> {
  const out = outputFor(options);
  const name = normalizeDomain(domain);
  if (name === undefined) throw new CommandError(`"${domain}" is not a domain name.`, EXIT.usage);
  const results = await checkDomain(
    {
      domain: name,
      did: options.did,
      selectors: options.selector,
      allowPrivate: options.allowPrivate,
      pool: options.pool === undefined ? undefined : poolNames(options.pool),
    },
    createResolver({ servers: [server(options)] }),
    () => systemClock.now(),
    options.transport ? transportOf(options) : undefined,
  );
  const summary = summarize(results);
  const requirements = senderRequirements(results);
  out.say(`${name}: ${plainSummary(summary)}`);
  for (const result of results) show(result, out.say);
  out.say("\nWhat large providers ask of senders, as far as the DNS shows it");
  for (const line of table(requirements)) out.say(line);
  out.result({ domain: name, summary, checks: results, requirements });
  return summary === "verified" ? EXIT.ok : EXIT.fault;
}

function server({ resolver, dns }: CheckOptions): string {
  const address = resolver ?? dns ?? "127.0.0.1:53";
  if (/^(\[[0-9a-f:.]+\]|[^:\s]+):\d{1,5}$/i.test(address)) return address;
  throw new CommandError(`"${address}" is no resolver: write IP:PORT, such as 127.0.0.1:53.`, EXIT.usage);
}

function transportOf(options: CheckOptions): Transport {
  const allowPrivate = options.allowPrivate ?? false;
  const port = Number(options.smtpPort ?? 25);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new CommandError(`"${options.smtpPort}" is no port.`, EXIT.usage);
  const connect = createSmtpConnect({ allowPrivate });
  const helo = options.helo ?? hostname();
  return {
    fetch: createSafeFetch({ allowPrivate, maxBytes: 65_536, timeoutMs: 10_000 }),
    probe: (target) => probeSmtp(target, helo, connect),
    port,
  };
}

/** The names by which members know a pool. */
function poolNames(domain: string) {
  return { domain, spfInclude: `_spf.${domain}`, returnPathHost: `bounce.${domain}` };
}

function plainSummary(summary: ReturnType<typeof summarize>): string {
  if (summary === "verified") return "as it should be";
  return summary === "broken" ? "needs mending" : "not known, because the DNS gave no answer";
}

function show({ check, status, findings }: CheckResult, say: (line: string) => void): void {
  say(`  ${SIGN[status]} ${check}`);
  for (const finding of findings) {
    say(`       ${finding.severity.padEnd(4)} ${plain(finding.message)}  [${finding.code}]`);
    if (finding.why !== undefined) say(`            why:     ${plain(finding.why)}`);
    if (finding.observed !== undefined) say(`            seen:    ${indented(finding.observed)}`);
    if (finding.expected !== undefined) say(`            wanted:  ${indented(finding.expected)}`);
    if (finding.remedy !== undefined) say(`            publish: ${indented(finding.remedy)}`);
  }
}

function indented(text: string): string {
  return plain(text).replaceAll("\n", `\n${" ".repeat(21)}`);
}

function table(rows: readonly Requirement[]): string[] {
  const width = Math.max(...rows.map((row) => row.need.length));
  return rows.map((row) => {
    const because = row.because.length > 0 ? `  ${row.because.join(", ")}` : "";
    return `  ${PROVIDERS[row.provider].padEnd(9)}  ${row.need.padEnd(width)}  ${row.status}${because}`;
  });
}

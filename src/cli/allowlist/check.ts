import { isIP } from "node:net";
import { canonicalAddress, ipName } from "../../allowlist/index.ts";
import { normalizeDomain } from "../../attestation/index.ts";
import { readEnvironment } from "../../platform/config/index.ts";
import { createResolver } from "../../platform/dns/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import { CommandError, EXIT, outputFor, plain } from "../output.ts";
import { resolverAddress, zoneName } from "./names.ts";

export type CheckOptions = { zone?: string; resolver?: string; env?: string; json?: boolean };

const MEANING: Record<string, string> = {
  "127.0.6.1": "a verified member",
  "127.0.6.2": "a verified member, clean for long",
  "127.0.3.1": "an address of the pool, behind which many members are",
};

type Listed = { name: string; codes: string[]; text: string | null };

/** `atmos allowlist check NAME|IP`: what the list says, as a mail server would ask it. */
export async function allowlistCheck(subject: string, options: CheckOptions): Promise<number> {
  const out = outputFor(options);
  const env = readEnvironment(options.env);
  const zone = zoneName(options.zone, env);
  const server = resolverAddress(options.resolver, env);
  const resolver = createResolver({ servers: [server] });
  await mustWork(zone, server, resolver);
  const address = isIP(subject) === 0 ? undefined : canonicalAddress(subject);
  const domain = address === undefined ? normalizeDomain(subject) : undefined;
  if (address === undefined && domain === undefined)
    throw new CommandError(`"${plain(subject)}" is no domain and no address.`, EXIT.usage);
  const relative = address === undefined ? `${domain}.dwl` : ipName(address);
  const listed = await ask(`${relative}.${zone}`, resolver);
  const vouched = domain === undefined ? null : await vouchedFor(`${domain}._vouch.${zone}`, resolver);
  const meanings = listed.codes.map((code) => MEANING[code] ?? "a code that this program does not know");
  const isListed = listed.codes.some((code) => MEANING[code] !== undefined);
  out.say(plain(`${listed.name}: ${isListed ? listed.codes.join(", ") : "not listed"}`));
  for (const meaning of meanings) out.say(meaning);
  if (listed.text !== null) out.say(plain(listed.text));
  if (vouched !== null) out.say(plain(`Vouched for (RFC 5518): ${vouched}`));
  out.result({ subject: address ?? domain, zone, listed: isListed, ...listed, meanings, vouched });
  return isListed ? EXIT.ok : EXIT.fault;
}

/** A list that is not there answers like one that lists nobody: its test entries tell the two apart (RFC 5782 section 5). */
async function mustWork(zone: string, server: string, resolver: Resolver): Promise<void> {
  const [test, never] = await Promise.all([
    resolver.resolve(`test.dwl.${zone}`, "A"),
    resolver.resolve(`invalid.dwl.${zone}`, "A"),
  ]);
  if (test.status === "temperror")
    throw new CommandError(`${server} does not answer for ${zone}: ${plain(test.detail)}.`);
  if (test.status !== "ok" || test.records[0]?.address !== "127.0.0.2")
    throw new CommandError(
      `${zone} is no list that works: test.dwl.${zone} should be 127.0.0.2. A resolver that guards against rebinding drops such answers: let it pass them for this zone.`,
    );
  if (never.status === "ok")
    throw new CommandError(`${zone} answers for everything, even for what is never listed: do not use it.`);
}

async function ask(name: string, resolver: Resolver): Promise<Listed> {
  const [found, reason] = await Promise.all([resolver.resolve(name, "A"), resolver.resolve(name, "TXT")]);
  if (found.status === "temperror") throw new CommandError(`${name}: no answer (${plain(found.detail)}).`);
  return {
    name,
    codes: found.status === "ok" ? found.records.map(({ address }) => address) : [],
    text: reason.status === "ok" ? (reason.records[0]?.text ?? null) : null,
  };
}

async function vouchedFor(name: string, resolver: Resolver): Promise<string | null> {
  const answer = await resolver.resolve(name, "TXT");
  return answer.status === "ok" ? (answer.records[0]?.text ?? null) : null;
}

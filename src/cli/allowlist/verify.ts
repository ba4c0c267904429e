import {
  proveAddress,
  SnapshotError,
  verifySnapshot,
  type Finding,
  type Verification,
} from "../../allowlist/index.ts";
import { createIdentityResolver, proveAttestation } from "../../attestation/index.ts";
import { resolveLabeler } from "../../label/index.ts";
import { systemClock } from "../../lib/clock.ts";
import { readEnvironment } from "../../platform/config/index.ts";
import { createResolver } from "../../platform/dns/index.ts";
import { createSafeFetch } from "../../platform/fetch.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import { isLoopback } from "../labeler/identity.ts";
import { CommandError, EXIT, outputFor, plain } from "../output.ts";
import { resolverAddress } from "./names.ts";
import { snapshotLines } from "./snapshot-lines.ts";

export type VerifyOptions = {
  plc?: string;
  resolver?: string;
  labeler?: string[];
  signaturesOnly?: boolean;
  env?: string;
  json?: boolean;
};

const SHOWN = 20;

/** `atmos allowlist verify SNAPSHOT`: every signature and record of it, by nothing but the network. */
export async function allowlistVerify(where: string, options: VerifyOptions): Promise<number> {
  const out = outputFor(options);
  const env = readEnvironment(options.env);
  const plcUrl = options.plc ?? env["ATMOS_PLC_URL"] ?? "https://plc.directory";
  if (!URL.canParse(plcUrl))
    throw new CommandError(`--plc ${plcUrl} is no address such as https://plc.directory.`, EXIT.usage);
  const allowPrivate = env["ATMOS_ALLOW_PRIVATE_NETWORK"] === "true" || isLoopback(plcUrl);
  const fetch = createSafeFetch({ allowPrivate });
  const resolver = createResolver({ servers: [resolverAddress(options.resolver, env)] });
  const resolveIdentity = createIdentityResolver({ plcUrl, fetch });
  let shownAt = 0;
  const verified = await verifySnapshot(await snapshotLines(where), {
    keyOf: async (did) => (await resolveLabeler(did, plcUrl, fetch))?.key,
    labelers: options.labeler && new Set(options.labeler),
    now: systemClock.now(),
    ...(!options.signaturesOnly && {
      proveRecord: async (entry) => findingOf(await proveAttestation(entry, { resolveIdentity, fetch })),
      proveAddress: async ({ address, domain }) =>
        findingOf(await proveAddress(address, domain, resolver, { allowPrivate })),
    }),
    onProgress: (done) => {
      if (!process.stderr.isTTY || Date.now() - shownAt < 500) return;
      shownAt = Date.now();
      process.stderr.write(`\r${done} verified`);
    },
  }).catch((error: unknown) => {
    if (error instanceof SnapshotError) throw new CommandError(`${where}: ${plain(error.message)}.`);
    throw error;
  });
  if (shownAt > 0) process.stderr.write("\r");
  const announced = await announcedKey(verified.head.zone, resolver);
  const isGood =
    verified.isWhole && verified.isSigned && verified.bad.length === 0 && announced.status !== "bad";
  for (const line of linesOf(verified, announced, options)) out.say(plain(line));
  out.result({ ok: isGood, ...verified, announced });
  return isGood ? EXIT.ok : EXIT.fault;

  async function announcedKey(zone: string, dns: Resolver): Promise<Finding> {
    const name = `_list.${zone}`;
    const answer = await dns.resolve(name, "TXT");
    if (answer.status !== "ok")
      return {
        status: "unknown",
        why: `${name} TXT: ${answer.status === "temperror" ? answer.detail : answer.status}`,
      };
    const keys = answer.records.flatMap(({ text }) => /\bkey=(did:key:\w+)/.exec(text)?.[1] ?? []);
    if (keys.includes(verified.head.key)) return { status: "good" };
    return {
      status: "bad",
      why: `${name} announces ${keys.join(", ") || "no key"}, not ${verified.head.key}`,
    };
  }
}

function findingOf(found: { status: "proved" | "refuted" | "unknown"; why?: string }): Finding {
  if (found.status === "proved") return { status: "good" };
  return { status: found.status === "refuted" ? "bad" : "unknown", why: found.why ?? "" };
}

function linesOf(verified: Verification, announced: Finding, options: VerifyOptions): string[] {
  const { head, tail, entries, addresses, good, bad, unknown, expired, labelers } = verified;
  return [
    `${head.zone}, serial ${head.serial}, of ${head.issuedAt}: ${entries} domains, ${addresses} addresses`,
    verified.isWhole ? `Whole: ${tail.id}` : "NOT WHOLE: it was changed after it was made.",
    verified.isSigned ? `Signed by ${head.key}` : `NOT SIGNED by ${head.key}, which it names.`,
    announced.status === "good"
      ? "That key is announced in the zone."
      : announced.status === "bad"
        ? `NOT ANNOUNCED: ${announced.why}.`
        : `Whether that key is announced in the zone is not known: ${announced.why}.`,
    ...Object.entries(labelers).map(([did, count]) => `Labels by ${did}: ${count}`),
    `${good} proved${options.signaturesOnly ? " by their signatures alone" : ""}, ${bad.length} not, ${unknown.length} could not be asked for`,
    ...section("Not proved", bad),
    ...section("Not known", unknown),
    ...(expired > 0 ? [`${expired} labels have expired since: fetch a newer snapshot.`] : []),
  ];
}

function section(title: string, faults: { of: string; why: string }[]): string[] {
  if (faults.length === 0) return [];
  const more = faults.length - SHOWN;
  return [
    `${title}:`,
    ...faults.slice(0, SHOWN).map(({ of, why }) => `  ${of}: ${why}`),
    ...(more > 0 ? [`  and ${more} more; --json names all`] : []),
  ];
}

import { Command, Option } from "commander";
import { writeFileSync } from "node:fs";
import { readEnvironment } from "../platform/config/index.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { verifyProof, type ProofClaims, type Verified } from "../protocol/proof/index.ts";
import { apiOf } from "./api.ts";
import { resolveLabeler } from "../label/index.ts";
import { isLoopback } from "./labeler/identity.ts";
import { memberPath, type Common } from "./member.ts";
import { CommandError, EXIT, outputFor, plain, readOption } from "./output.ts";

/** `atmos member proof DID`: the signed proof, on standard output or in a file. */
export async function memberProof(did: string, options: Common & { out?: string }): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", memberPath(did, "/proof"));
  const proof = String(answer["proof"]);
  if (options.out === undefined) out.say(proof);
  else {
    writeNew(options.out, `${proof}\n`);
    out.say(`Written to ${options.out}. Anybody can check it: atmos proof verify ${options.out}`);
  }
  out.result(answer);
  return EXIT.ok;
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`--out ${path} cannot be written (${code}).`, EXIT.usage);
  }
}

type VerifyOptions = { plc?: string; issuer?: string; env?: string; json?: boolean };

/** `atmos proof verify FILE`: whether the labeler that it names signed it, by its DID document and nothing else. */
export async function proofVerify(file: string, options: VerifyOptions): Promise<number> {
  const out = outputFor(options);
  const text = readOption("FILE", file);
  const env = readEnvironment(options.env);
  const plcUrl = options.plc ?? env["ATMOS_PLC_URL"] ?? "https://plc.directory";
  if (!URL.canParse(plcUrl))
    throw new CommandError(`--plc ${plcUrl} is no address such as https://plc.directory.`, EXIT.usage);
  const allowPrivate = env["ATMOS_ALLOW_PRIVATE_NETWORK"] === "true" || isLoopback(plcUrl);
  const fetch = createSafeFetch({ allowPrivate });
  const verified = await verifyProof(text, async (issuer) => {
    try {
      return (await resolveLabeler(issuer, plcUrl, fetch))?.key;
    } catch (error) {
      throw new CommandError(
        `The DID document of ${plain(issuer)} cannot be read, so nothing can be said of the proof: ${plain(String(error))}`,
      );
    }
  });
  const wrongIssuer =
    "claims" in verified && options.issuer !== undefined && verified.claims.iss !== options.issuer;
  const isGood = verified.ok && !wrongIssuer;
  for (const line of linesOf(verified)) out.say(plain(line));
  if (wrongIssuer) out.say(`It is not by ${plain(options.issuer!)}, whom you asked for.`);
  else if (isGood && options.issuer === undefined)
    out.say("\nWhether you trust this issuer is for you to say: --issuer DID asks for one.");
  out.result({
    ok: isGood,
    why: verified.ok ? (wrongIssuer ? "other-issuer" : null) : verified.why,
    // The second of `iat` is that of `asOf`.
    ...("claims" in verified && { claims: { ...verified.claims, iat: undefined } }),
  });
  return isGood ? EXIT.ok : EXIT.fault;
}

function linesOf(verified: Verified): string[] {
  if (verified.ok) return ["The signature is good.", ...summaryOf(verified.claims)];
  switch (verified.why) {
    case "malformed":
      return [`This is no proof: ${verified.detail}.`];
    case "no-key":
      return [
        `NOT PROVED. It names ${verified.claims.iss} as who signed it, and there is no such DID, or its document has no key #atproto_label.`,
      ];
    case "rotated":
      return [
        `NOT PROVED. It is whole, but signed with ${verified.signedBy}, and the DID document of ${verified.claims.iss} now names ${verified.keyNow}.`,
        "If the labeler has changed its key since, ask the member for a new proof; it may also never have been the labeler's key.",
      ];
    case "forged":
      return ["NOT PROVED. The signature does not fit: it was changed, or somebody else made it."];
  }
}

function summaryOf(claims: ProofClaims): string[] {
  const { membership, standing, volumes, bounces, complaints } = claims;
  const percent = ({ rate, of, counted }: ProofClaims["bounces"]) =>
    rate === null ? "none counted" : `${(rate * 100).toFixed(2)} % (${counted} of ${of})`;
  const mails = volumes.map(({ month, accepted, delivered }) => `${month}: ${accepted} (${delivered})`);
  return [
    `  issuer      ${claims.iss} (${claims.cooperative})`,
    `  member      ${claims.sub}`,
    `  as of       ${claims.asOf}`,
    `  membership  since ${membership.since}${membership.until === null ? "" : ` until ${membership.until}`}, tier ${membership.tier}`,
    `  standing    ${standing.current} since ${standing.since}; changes in all: ${standing.changes}`,
    ...standing.history.map(({ at, from, to, cause }) => `              ${at} ${from} -> ${to}: ${cause}`),
    `  messages    counted from ${claims.countedFrom.slice(0, 10)}; a month: accepted (delivered to people)`,
    ...mails.map((line) => `              ${line}`),
    `  bounces     ${percent(bounces)}`,
    `  complaints  ${percent(complaints)}, of 90 days`,
    ...claims.labels.map(({ val, uri, since }) => `  label       ${val} on ${uri} since ${since}`),
  ];
}

type Parts = {
  env: () => Option;
  json: () => Option;
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

/** `atmos proof ...`. */
export function proofCommands(program: Command, { env, json, run }: Parts): void {
  program
    .command("proof")
    .description("signed proofs of a member's reputation")
    .command("verify")
    .description("check a proof by the DID document of who signed it, and say what it says")
    .argument("<file>", "the proof, as the member gave it")
    .option("--issuer <did>", "the labeler that it must be by")
    .option("--plc <url>", "PLC directory; or ATMOS_PLC_URL; by default https://plc.directory")
    .addOption(env())
    .addOption(json())
    .action(run(proofVerify));
}

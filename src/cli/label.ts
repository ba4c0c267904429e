import type { WithIsoTimes } from "../lib/iso-times.ts";
import { parseConfig, readEnvironment } from "../platform/config/index.ts";
import { labelPath, type ExplainedCheck, type LabelExplanation } from "../web/index.ts";
import { originOf } from "./api.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

export type ExplainOptions = { val?: string; url?: string; env?: string; json?: boolean };

const TIMEOUT_MS = 15_000;
const SIGN: Record<ExplainedCheck["outcome"], string> = {
  pass: "ok  ",
  warn: "warn",
  fail: "FAIL",
  temperror: "?   ",
};
const day = (at: string) => at.replace(/\.\d+Z$/, "Z");

type Explanation = WithIsoTimes<LabelExplanation>;

/** `atmos label explain`: what anybody may know of the labels in force; needs no credential. */
export async function labelExplain(subject: string, options: ExplainOptions): Promise<number> {
  const out = outputFor(options);
  if (options.url !== undefined && !URL.canParse(options.url))
    throw new CommandError(`--url ${options.url} is no address such as https://labels.example.`, EXIT.usage);
  const origin = options.url ?? originOf(parseConfig(readEnvironment(options.env)).config);
  const view = await ask(origin, subject, options.val);
  for (const { value, uri, cid, since, issuedAt, expiresAt, records } of view.labels) {
    out.say(`${plain(value)} on ${plain(uri)}`);
    if (cid !== null) out.say(`       version ${plain(cid)}`);
    out.say(
      `       stands since ${day(since)}, last said ${day(issuedAt)}, lapses ${expiresAt === null ? "not by itself" : day(expiresAt)}`,
    );
    const behind = view.records.filter((record) => records.includes(record.uri));
    if (behind.length > 0)
      out.say(`       rests on the checks of ${behind.map((r) => plain(r.domain)).join(", ")}`);
  }
  for (const { domain, uri, provedAt, checks } of view.records) {
    out.say(`\n${plain(domain)}, attested in ${plain(uri)}, proved ${day(provedAt)}`);
    for (const { check, outcome, at, findings } of checks) {
      out.say(`  ${SIGN[outcome]} ${plain(check)}, ${day(at)}`);
      for (const { text, observed } of findings) {
        out.say(`       ${plain(text)}`);
        if (observed !== null) out.say(`       seen:    ${plain(observed)}`);
      }
    }
  }
  if (view.labels.length === 0)
    out.say(`No label is in force for ${plain(view.subject)}. From the absence of one nothing follows.`);
  out.result(view);
  return view.labels.length > 0 ? EXIT.ok : EXIT.fault;
}

async function ask(origin: string, subject: string, value: string | undefined): Promise<Explanation> {
  const url = new URL(labelPath(subject), origin);
  if (value !== undefined) url.searchParams.set("val", value);
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new CommandError(`${url.origin} does not answer. Start it with: atmos serve`);
  }
  if (response.status === 400)
    throw new CommandError(`"${subject}" is no DID, AT URI with a DID, or domain.`, EXIT.usage);
  if (!response.ok || !response.headers.get("content-type")?.includes("application/json"))
    throw new CommandError(`${url.origin} explains no labels (${response.status}): no labeler runs there.`);
  return (await response.json()) as Explanation;
}

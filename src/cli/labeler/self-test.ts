import { isDeepStrictEqual } from "node:util";
import { LABELER_SERVICE_COLLECTION, labelerServiceRecord } from "../../label/index.ts";
import { readEnvironment } from "../../platform/config/index.ts";
import { createSafeFetch, type SafeFetch } from "../../platform/fetch.ts";
import { createSafeWebSocket, type OpenWebSocket } from "../../platform/websocket.ts";
import { labelFromJson, verifyLabel, type Label, type LabelJson } from "../../protocol/labels/index.ts";
import { fail, messageOf, ok, warn, type Finding } from "../doctor/probe.ts";
import { CommandError, EXIT, outputFor, plain } from "../output.ts";
import { resolveLabeler, type LabelerIdentity } from "../../label/index.ts";
import { isLoopback } from "./identity.ts";
import { createPdsClient } from "./pds.ts";
import { probeStream } from "./stream.ts";

export type SelfTestOptions = {
  /** Where the labeler should be; by default where the DID document says. */
  url?: string;
  /** Or ATMOS_LABELER_DID. */
  did?: string;
  plc?: string;
  env?: string;
  json?: boolean;
};

const SIGN = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/** `atmos labeler self-test`: what a stranger needs to believe our labels, looked at as a stranger does. */
export async function labelerSelfTest(options: SelfTestOptions): Promise<number> {
  const out = outputFor(options);
  const env = readEnvironment(options.env);
  const did = options.did ?? env["ATMOS_LABELER_DID"];
  if (did === undefined)
    throw new CommandError("Name the labeler: --did DID, or --env FILE with ATMOS_LABELER_DID.", EXIT.usage);
  if (options.url !== undefined && !URL.canParse(options.url))
    throw new CommandError(`--url ${options.url} is no address such as https://labels.example.`, EXIT.usage);
  const plcUrl = options.plc ?? env["ATMOS_PLC_URL"] ?? "https://plc.directory";
  const allowPrivate =
    env["ATMOS_ALLOW_PRIVATE_NETWORK"] === "true" ||
    [options.url, plcUrl].some((url) => url !== undefined && URL.canParse(url) && isLoopback(url));
  const findings = await selfTest({
    did,
    url: options.url === undefined ? undefined : new URL(options.url).origin,
    plcUrl,
    fetch: createSafeFetch({ allowPrivate }),
    openWebSocket: createSafeWebSocket({ allowPrivate }),
  });
  for (const { probe, status, text, remedy } of findings) {
    out.say(`${SIGN[status]} ${probe}: ${plain(text)}`);
    if (remedy !== undefined) out.say(`       -> ${plain(remedy)}`);
  }
  const faults = findings.filter((finding) => finding.status === "fail").length;
  out.say(
    faults === 0
      ? "\nAnybody can verify these labels."
      : `\n${faults} ${faults === 1 ? "thing is" : "things are"} wrong.`,
  );
  out.result({ ok: faults === 0, did, findings });
  return faults === 0 ? EXIT.ok : EXIT.fault;
}

export type SelfTestInput = {
  did: string;
  url: string | undefined;
  plcUrl: string;
  fetch: SafeFetch;
  openWebSocket: OpenWebSocket;
  /** How long the stream may take for each answer. Default 10 s. */
  timeoutMs?: number;
};

export async function selfTest(input: SelfTestInput): Promise<Finding[]> {
  const { did, plcUrl, fetch } = input;
  let identity: LabelerIdentity | undefined;
  try {
    identity = await resolveLabeler(did, plcUrl, fetch);
  } catch (error) {
    const remedy = `Look at the DID and the PLC directory: curl ${plcUrl}/${did}`;
    return [fail("DID document", `${did} does not resolve: ${messageOf(error)}`, remedy)];
  }
  if (!identity)
    return [fail("DID document", `${plcUrl} knows no ${did}`, "Make the account first: atmos labeler setup")];

  const findings = documentFindings(identity, input);
  findings.push(await recordFinding(identity, input));
  const origin = input.url ?? originOf(identity.endpoint);
  if (origin === undefined) return findings;
  const queried = await queryLabels(origin, input);
  findings.push(...queried.findings);
  if (queried.labels) {
    findings.push(await signatureFinding("signatures of queryLabels", queried.labels, identity));
  }
  const stream = await probeStream(origin, (queried.labels?.length ?? 0) > 0, input);
  findings.push(...stream.findings);
  if (stream.labels.length > 0)
    findings.push(await signatureFinding("signatures of subscribeLabels", stream.labels, identity));
  return findings;
}

function documentFindings({ key, endpoint, type }: LabelerIdentity, { did, url }: SelfTestInput): Finding[] {
  const setup = "Run: atmos labeler setup";
  const findings: Finding[] = [
    key === undefined
      ? fail("label key", `the DID document of ${did} has no usable key #atproto_label`, setup)
      : ok("label key", `${did} names ${key}`),
  ];
  const origin = originOf(endpoint);
  if (endpoint === undefined || origin === undefined)
    findings.push(fail("address", `the DID document has no service #atproto_labeler with an address`, setup));
  else if (type !== "AtprotoLabeler")
    findings.push(fail("address", `#atproto_labeler is of type ${type}, not AtprotoLabeler`, setup));
  else if (endpoint !== origin)
    findings.push(fail("address", `${endpoint} is more than an origin; clients use ${origin}`, setup));
  else if (url !== undefined && url !== origin)
    findings.push(
      fail("address", `the DID document sends clients to ${origin}, not to ${url}`, `${setup} --url ${url}`),
    );
  else findings.push(ok("address", `clients are sent to ${origin}`));
  return findings;
}

async function recordFinding({ pds }: LabelerIdentity, { did, fetch }: SelfTestInput): Promise<Finding> {
  const probe = "service record";
  const setup = "Run: atmos labeler setup";
  if (pds === undefined)
    return fail(
      probe,
      "the DID document names no PDS, so there is no repository that could hold the record",
      "A labeler that clients can subscribe to is an account of a PDS: make one there, then atmos labeler setup",
    );
  try {
    const found = await createPdsClient(pds, fetch).getRecord(did, LABELER_SERVICE_COLLECTION, "self");
    if (!found)
      return fail(
        probe,
        `${did} has no record ${LABELER_SERVICE_COLLECTION}/self: no client offers it`,
        setup,
      );
    const wanted = labelerServiceRecord(String(found["createdAt"]));
    return isDeepStrictEqual(found, wanted)
      ? ok(probe, `${LABELER_SERVICE_COLLECTION}/self says what the labels mean`)
      : warn(probe, `${LABELER_SERVICE_COLLECTION}/self is not as this version writes it`, setup);
  } catch (error) {
    return fail(
      probe,
      `the PDS ${pds} gives no record: ${messageOf(error)}`,
      "Look at the PDS, then run this again.",
    );
  }
}

async function queryLabels(
  origin: string,
  { did, fetch }: SelfTestInput,
): Promise<{ findings: Finding[]; labels?: Label[] }> {
  const probe = "queryLabels";
  const url = `${origin}/xrpc/com.atproto.label.queryLabels?uriPatterns=*&limit=250`;
  const remedy = `Look at what stands at this address: curl -i "${url}"`;
  try {
    const response = await fetch(url, { headers: { origin: "https://client.invalid" } });
    if (!response.ok) return { findings: [fail(probe, `${origin} answers ${response.status}`, remedy)] };
    const body = (await response.json()) as { labels?: LabelJson[] };
    if (!Array.isArray(body.labels))
      return { findings: [fail(probe, "the answer has no list of labels", remedy)] };
    const labels = body.labels.map(labelFromJson);
    const foreign = labels.find((label) => label.src !== did);
    if (foreign)
      return {
        findings: [
          fail(
            probe,
            `${origin} serves labels of ${foreign.src}, not of ${did}`,
            "Set ATMOS_LABELER_DID to the DID.",
          ),
        ],
        labels,
      };
    const findings = [
      labels.length === 0
        ? warn(
            probe,
            "there is no label yet, so no signature can be looked at",
            "Run this again after the first.",
          )
        : ok(
            probe,
            `${labels.length === 250 ? "250 labels or more" : `${labels.length} labels`}, all of ${did}`,
          ),
    ];
    if (response.headers.get("access-control-allow-origin") !== "*")
      findings.push(
        warn(
          "browsers",
          "the answer lacks Access-Control-Allow-Origin: *, so no page of another site can read it",
          "Let the proxy in front pass our headers on.",
        ),
      );
    return { findings, labels };
  } catch (error) {
    return { findings: [fail(probe, `${origin} gives no answer: ${messageOf(error)}`, remedy)] };
  }
}

async function signatureFinding(
  probe: string,
  labels: readonly Label[],
  { key }: LabelerIdentity,
): Promise<Finding> {
  if (key === undefined)
    return fail(probe, "there is no key to verify them with", "Run: atmos labeler setup");
  let wrong = 0;
  for (const label of labels) {
    if (!(await verifyLabel(label, key).catch(() => false))) wrong++;
  }
  if (wrong === 0) return ok(probe, `${labels.length} verify with the key of the DID document`);
  return fail(
    probe,
    `${wrong} of ${labels.length} do not verify with ${key}`,
    "ATMOS_LABELER_KEY is not the key of the DID document. Run: atmos labeler setup --env FILE, or put the old key back.",
  );
}

function originOf(endpoint: string | undefined): string | undefined {
  return endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint).origin : undefined;
}

import { appendFileSync, existsSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { Secp256k1Keypair } from "@atproto/crypto";
import { LABELER_SERVICE_COLLECTION, labelerServiceRecord } from "../../label/index.ts";
import { readEnvironment } from "../../platform/config/index.ts";
import { createSafeFetch, type SafeFetch } from "../../platform/fetch.ts";
import { CommandError, EXIT, outputFor, plain } from "../output.ts";
import { createAsk, type Ask } from "./ask.ts";
import { isLoopback } from "./identity.ts";
import {
  createPdsClient,
  identityData,
  PdsError,
  type IdentityData,
  type PdsClient,
  type Session,
} from "./pds.ts";

export type SetupOptions = {
  pds: string;
  handle: string;
  /** Public origin of the labeler; or ATMOS_PUBLIC_URL. */
  url?: string;
  plc?: string;
  env?: string;
  dryRun?: boolean;
  json?: boolean;
};

type Step = { step: string; status: "ok" | "done" | "would" | "waits"; text: string };

const SIGN: Record<Step["status"], string> = { ok: "ok   ", done: "done ", would: "would", waits: "waits" };
const PUBLIC_PLC = "https://plc.directory";

/**
 * `atmos labeler setup`: makes an account of a PDS a labeler. Each step looks first and does only what is missing, so
 * the command may be broken off and run again.
 */
export async function labelerSetup(options: SetupOptions, ask: Ask = createAsk()): Promise<number> {
  const out = outputFor(options);
  const steps: Step[] = [];
  const tell = (step: string, status: Step["status"], text: string) => {
    steps.push({ step, status, text });
    out.say(`${SIGN[status]}  ${step}: ${text}`);
  };
  const env = options.env !== undefined && !existsSync(options.env) ? {} : readEnvironment(options.env);
  const pds = originOf(options.pds, "--pds");
  const url = originOf(options.url ?? env["ATMOS_PUBLIC_URL"] ?? "", "--url");
  const plcUrl = originOf(options.plc ?? env["ATMOS_PLC_URL"] ?? PUBLIC_PLC, "--plc");
  // The addresses are the operator's own choice, and a PDS often stands in the same network.
  const fetch = createSafeFetch({ allowPrivate: true });
  const client = createPdsClient(pds, fetch);

  const session = await logIn(client, options.handle, ask);
  if (!session.did.startsWith("did:plc:"))
    throw new CommandError(
      `${session.did} is no did:plc: its document is a file of your own. Make an account with a did:plc for the labeler.`,
    );
  const known = env["ATMOS_LABELER_DID"];
  if (known !== undefined && known !== session.did)
    throw new CommandError(
      `ATMOS_LABELER_DID is ${known}, but ${options.handle} is ${session.did}. Name the handle of that account, or remove the setting.`,
    );
  tell("log in", "ok", `${session.handle} is ${session.did}`);

  const key = await signingKey(options, env["ATMOS_LABELER_KEY"], tell);
  const identity = await readIdentity(fetch, plcUrl, session.did);
  const wanted = wantedIdentity(identity, key, url);
  const missing = key === undefined ? [`#atproto_label`] : difference(identity, wanted);
  const settings = {
    ATMOS_LABELER_DID: session.did,
    ...(env["ATMOS_PUBLIC_URL"] === undefined && { ATMOS_PUBLIC_URL: url }),
    ...(env["ATMOS_PLC_URL"] === undefined && plcUrl !== PUBLIC_PLC && { ATMOS_PLC_URL: plcUrl }),
  };
  const end = (code: number) => {
    out.result({ did: session.did, handle: session.handle, steps, settings });
    return code;
  };

  if (missing.length === 0) tell("DID document", "ok", `names our key, and ${url}`);
  else if (options.dryRun)
    tell("DID document", "would", `set ${missing.join(" and ")}, with a token by e-mail`);
  else {
    const token = await plcToken(client, session, ask, tell);
    if (token === undefined) {
      out.say("\nRun the same command again with the token of that mail in LABELER_PLC_TOKEN.");
      return end(EXIT.fault);
    }
    await changeIdentity(client, session, token, wanted);
    const left = difference(await readIdentity(fetch, plcUrl, session.did), wanted);
    if (left.length > 0)
      throw new CommandError(
        `The PDS took the operation, but ${plcUrl} does not show ${left.join(" and ")}. Does the PDS use another PLC directory? Name it with --plc.`,
      );
    tell("DID document", "done", `set ${missing.join(" and ")}`);
  }

  const record = await client.getRecord(session.did, LABELER_SERVICE_COLLECTION, "self");
  const service = labelerServiceRecord(String(record?.["createdAt"] ?? new Date().toISOString()));
  const where = `${LABELER_SERVICE_COLLECTION}/self`;
  if (isDeepStrictEqual(record, service)) tell("service record", "ok", `${where} says what the labels mean`);
  else if (options.dryRun) tell("service record", "would", `${record ? "rewrite" : "write"} ${where}`);
  else {
    await client.putRecord(session.accessJwt, session.did, LABELER_SERVICE_COLLECTION, "self", service);
    tell("service record", "done", `${record ? "rewrote" : "wrote"} ${where}`);
  }

  out.say("\nFor the environment file:");
  for (const [name, value] of Object.entries(settings)) out.say(`${name}=${value}`);
  out.say(
    options.dryRun
      ? "\nNothing was changed. Run it without --dry-run to do what is missing."
      : "\nStart it with: atmos serve. Then look at it from outside: atmos labeler self-test",
  );
  return end(EXIT.ok);
}

type Tell = (step: string, status: Step["status"], text: string) => void;

async function logIn(client: PdsClient, handle: string, ask: Ask): Promise<Session> {
  const password = await ask({ text: `Password of ${handle}`, variable: "LABELER_PASSWORD", secret: true });
  if (password === undefined)
    throw new CommandError(
      "The account's password is needed: in LABELER_PASSWORD, or as the first line of standard input.",
      EXIT.usage,
    );
  // A code given beforehand is of an earlier run; a log-in without it makes the PDS mail another, and that one void.
  const variable = "LABELER_SIGN_IN_CODE";
  const given = process.env[variable];
  try {
    return await client.logIn(handle, password, given).catch(async (error: unknown) => {
      if (!(error instanceof PdsError) || error.error !== "AuthFactorTokenRequired") throw error;
      const text = "Sign-in code of the e-mail that was just sent";
      const code = await ask({ text, variable, secret: false });
      if (code === undefined)
        throw new CommandError(`The account asks for a sign-in code: run again with it in ${variable}.`);
      return client.logIn(handle, password, code);
    });
  } catch (error) {
    if (!(error instanceof PdsError)) throw error;
    const remedy =
      given && error.error !== "AuthenticationRequired"
        ? `A sign-in code is good once and for a short time: run the command again without ${variable} for a new one.`
        : "The account must be there already, and it needs its own password: an app password may not change a DID.";
    throw new CommandError(`Cannot log in as ${handle}. ${error.message}\n${remedy}`);
  }
}

/** The key of the environment file; a new one is kept there before anything depends on it. */
async function signingKey(
  { env, dryRun }: SetupOptions,
  hex: string | undefined,
  tell: Tell,
): Promise<string | undefined> {
  if (hex !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(hex))
      throw new CommandError(
        "ATMOS_LABELER_KEY must be 64 hexadecimal digits; make one with: openssl rand -hex 32",
      );
    const did = (await Secp256k1Keypair.import(hex)).did();
    tell("signing key", "ok", `ATMOS_LABELER_KEY is ${did}`);
    return did;
  }
  if (env === undefined)
    throw new CommandError(
      "There is no ATMOS_LABELER_KEY. Name the environment file with --env FILE: a new key is kept there.",
      EXIT.usage,
    );
  if (dryRun) {
    tell("signing key", "would", `make a key and add it to ${env}`);
    return undefined;
  }
  const keypair = await Secp256k1Keypair.create({ exportable: true });
  const secret = Buffer.from(await keypair.export()).toString("hex");
  appendFileSync(env, `\nATMOS_LABELER_KEY=${secret}\n`, { mode: 0o600, flush: true });
  tell("signing key", "done", `made ${keypair.did()} and added ATMOS_LABELER_KEY to ${env}`);
  return keypair.did();
}

async function readIdentity(fetch: SafeFetch, plcUrl: string, did: string): Promise<IdentityData> {
  const response = await fetch(`${plcUrl}/${did}/data`).catch((error: unknown) => {
    throw new CommandError(`${plcUrl} does not answer: ${plain(String(error))}. Look at --plc.`);
  });
  const parsed = identityData.safeParse(await response.json().catch(() => undefined));
  if (!response.ok || !parsed.success)
    throw new CommandError(
      `${plcUrl} does not know ${did} (${response.status}). Does the PDS use another PLC directory? Name it with --plc.`,
    );
  return parsed.data;
}

function wantedIdentity(now: IdentityData, key: string | undefined, url: string): IdentityData {
  return {
    ...now,
    verificationMethods: { ...now.verificationMethods, ...(key !== undefined && { atproto_label: key }) },
    services: { ...now.services, atproto_labeler: { type: "AtprotoLabeler", endpoint: url } },
  };
}

/** The parts of a labeler's identity that are not yet as they should be. */
function difference(now: IdentityData, wanted: IdentityData): string[] {
  const key = now.verificationMethods["atproto_label"] === wanted.verificationMethods["atproto_label"];
  const service = isDeepStrictEqual(now.services["atproto_labeler"], wanted.services["atproto_labeler"]);
  return [...(key ? [] : ["#atproto_label"]), ...(service ? [] : ["#atproto_labeler"])];
}

/** A token given beforehand is of an earlier run; else the PDS mails a new one. */
async function plcToken(
  client: PdsClient,
  session: Session,
  ask: Ask,
  tell: Tell,
): Promise<string | undefined> {
  const variable = "LABELER_PLC_TOKEN";
  const given = process.env[variable];
  if (given) return given;
  try {
    await client.requestToken(session.accessJwt);
  } catch (error) {
    if (!(error instanceof PdsError)) throw error;
    throw new CommandError(
      `The PDS sends no token. ${error.message}\nIt must be the account's own password, not an app password, and the account must have an e-mail address.`,
    );
  }
  const to = session.email ?? "the account's e-mail address";
  tell("DID document", "waits", `the PDS has sent a token to ${plain(to)}`);
  return ask({ text: "Token of that e-mail", variable, secret: false });
}

async function changeIdentity(
  client: PdsClient,
  session: Session,
  token: string,
  wanted: IdentityData,
): Promise<void> {
  try {
    const operation = await client.signOperation(session.accessJwt, token, wanted);
    await client.submitOperation(session.accessJwt, operation);
  } catch (error) {
    if (!(error instanceof PdsError)) throw error;
    throw new CommandError(
      `The DID document is as it was. ${error.message}\nA token is good once and for a short time: run the command again without LABELER_PLC_TOKEN for a new one.`,
    );
  }
}

/** An origin with TLS, or on this machine. */
function originOf(text: string, option: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new CommandError(`${option} must be an address such as https://labels.example.`, EXIT.usage);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(text)))
    throw new CommandError(`${option} must be an https address: ${text}`, EXIT.usage);
  if (url.pathname !== "/" || url.search !== "" || url.username !== "")
    throw new CommandError(`${option} must be an origin alone, without a path: ${url.origin}`, EXIT.usage);
  return url.origin;
}

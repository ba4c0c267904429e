import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { nearest } from "../../lib/nearest.ts";
import { settings, type Address, type Role, type Settings } from "./settings.ts";

export type { Address, Role, RuleEngineChoice } from "./settings.ts";

/** What a process needs to know, typed and checked. Secrets are apart: log `Config`, never `Secrets`. */
export type Config = Omit<Settings, SecretName> & { POOL_HOSTNAME: string; ZONE_NAME: string };
export type Secrets = {
  /** Opens what is sealed to the relay; also the root of its token and recipient-hash keys. */
  relay?: Uint8Array;
  /** Signs sessions and access links. */
  core?: Uint8Array;
  /** secp256k1 private key that signs labels. */
  labeler?: Uint8Array;
  /** Admin password of our Tap. */
  tap?: string;
  /** HMAC key of the external account binding with an ACME authority, base64url. */
  acmeBinding?: string;
  /** Password of this node at the brokers. */
  kafka?: string;
};
type SecretName =
  | "RELAY_SECRET"
  | "CORE_SECRET"
  | "LABELER_KEY"
  | "TAP_PASSWORD"
  | "ACME_EAB_KEY"
  | "KAFKA_PASSWORD";

export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((p) => `  - ${p}`).join("\n")}`);
    this.problems = problems;
  }
}

const PREFIX = "ATMOS_";

/**
 * Reads the environment file (if one is named) and the process's own `ATMOS_*` variables, which win.
 * @throws ConfigError that lists every problem at once.
 */
export function readEnvironment(
  file: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const own = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[0].startsWith(PREFIX) && entry[0] !== ENV_FILE && entry[1] !== undefined,
  );
  if (file === undefined) return Object.fromEntries(own);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}). Name the environment file with --env FILE.`,
    ]);
  }
  const inFile = Object.entries(parseEnv(text)).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries([...inFile, ...own]);
}

/** Names the file to the command line; it is no setting. */
const ENV_FILE = "ATMOS_ENV_FILE";

/** The typed configuration, or every problem at once. Pure. */
export function parseConfig(env: Record<string, string>): { config: Config; secrets: Secrets } {
  const problems: string[] = [];
  const known = Object.keys(settings.shape);
  const input: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const key = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
    if (key !== undefined && known.includes(key)) input[key] = value.trim();
    else problems.push(`${name} is not a setting${suggestion(key ?? name, known)}`);
  }
  const parsed = settings.safeParse(input);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const name = `${PREFIX}${String(issue.path[0])}`;
      const missing = input[String(issue.path[0])] === undefined;
      problems.push(missing ? `${name} is missing` : `${name} ${issue.message}`);
    }
  }
  problems.push(...contradictionsOf(input, parsed));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  const { RELAY_SECRET, CORE_SECRET, LABELER_KEY, TAP_PASSWORD, ACME_EAB_KEY, KAFKA_PASSWORD, ...rest } =
    parsed.data;
  return {
    config: {
      ...rest,
      POOL_HOSTNAME: rest.POOL_HOSTNAME ?? `relay.${rest.POOL_DOMAIN}`,
      ZONE_NAME: rest.ZONE_NAME ?? `wl.${rest.POOL_DOMAIN}`,
    },
    secrets: {
      ...(RELAY_SECRET && { relay: RELAY_SECRET }),
      ...(CORE_SECRET && { core: CORE_SECRET }),
      ...(LABELER_KEY && { labeler: LABELER_KEY }),
      ...(TAP_PASSWORD !== undefined && { tap: TAP_PASSWORD }),
      ...(ACME_EAB_KEY !== undefined && { acmeBinding: ACME_EAB_KEY }),
      ...(KAFKA_PASSWORD !== undefined && { kafka: KAFKA_PASSWORD }),
    },
  };
}

/** Also where single settings are faulty: those are left out of it, so that everything is named at once. */
function contradictionsOf(
  input: Record<string, string>,
  parsed: ReturnType<typeof settings.safeParse>,
): string[] {
  if (parsed.success) return contradictions(parsed.data);
  const faulty = new Set(parsed.error.issues.map((issue) => String(issue.path[0])));
  const sound = Object.fromEntries(Object.entries(input).filter(([key]) => !faulty.has(key)));
  const rest = settings.safeParse({
    POOL_DOMAIN: "unset.invalid",
    PUBLIC_URL: "https://unset.invalid",
    ...sound,
  });
  if (!rest.success) return [];
  return contradictions(rest.data).filter(
    (text) => ![...faulty].some((key) => text.includes(`${PREFIX}${key} `)),
  );
}

function contradictions(s: Settings): string[] {
  const out: string[] = [];
  const has = (role: Role) => s.ROLES.includes(role);
  const need = (condition: boolean, text: string) => condition || out.push(text);
  if (has("relay")) {
    need(
      s.RELAY_SECRET !== undefined,
      "ATMOS_RELAY_SECRET is missing: the relay role needs it; make one with: openssl rand -hex 32",
    );
    const files = [s.TLS_CERT_FILE, s.TLS_KEY_FILE].filter((file) => file !== undefined).length;
    need(
      s.ACME_DIRECTORY === undefined ? files === 2 : files === 0,
      files > 0 && s.ACME_DIRECTORY !== undefined
        ? "ATMOS_ACME_DIRECTORY and ATMOS_TLS_CERT_FILE, ATMOS_TLS_KEY_FILE are two ways to a certificate: remove one of them"
        : "ATMOS_TLS_CERT_FILE and ATMOS_TLS_KEY_FILE are both needed by the relay role, or ATMOS_ACME_DIRECTORY: there is no submission without TLS",
    );
    need(
      (s.ACME_EAB_KID === undefined) === (s.ACME_EAB_KEY === undefined),
      "ATMOS_ACME_EAB_KID and ATMOS_ACME_EAB_KEY belong together: set both as your authority gave them, or none",
    );
  }
  for (const address of s.EGRESS_WARM) {
    need(
      address === "all" || s.EGRESS_ADDRESSES.some((one) => one.address === address),
      `ATMOS_EGRESS_WARM names ${address}, which is not among ATMOS_EGRESS_ADDRESSES`,
    );
  }
  if (!has("relay") && has("core")) {
    need(
      s.RELAY_SEALING_KEY !== undefined,
      "ATMOS_RELAY_SEALING_KEY is missing: core seals members' DKIM keys to the relay; `atmos doctor` on the relay prints it",
    );
  }
  if (has("relay") && !has("core"))
    need(
      s.CORE_KEY !== undefined,
      "ATMOS_CORE_KEY is missing: a relay node believes what core signed; `atmos doctor` on the core prints it",
    );
  need(
    !has("core") || s.CORE_KEY === undefined,
    "ATMOS_CORE_KEY is for nodes without the core role; here it follows from ATMOS_CORE_SECRET: remove it",
  );
  need(
    has("relay") || s.RELAY_SECRET === undefined,
    "ATMOS_RELAY_SECRET is for relay nodes alone, and here is none: remove it, so that this process cannot open members' keys",
  );
  if (has("relay") && s.RELAY_SEALING_KEY !== undefined) {
    out.push(
      "ATMOS_RELAY_SEALING_KEY is for a core without the relay role; here it follows from ATMOS_RELAY_SECRET: remove it",
    );
  }
  if (has("core"))
    need(
      s.CORE_SECRET !== undefined,
      "ATMOS_CORE_SECRET is missing: the core role needs it; make one with: openssl rand -hex 32",
    );
  if (has("labeler")) {
    need(
      s.LABELER_KEY !== undefined,
      "ATMOS_LABELER_KEY is missing: the labeler role needs it; make one with: openssl rand -hex 32",
    );
    need(
      s.LABELER_DID !== undefined,
      "ATMOS_LABELER_DID is missing: the labeler role signs labels as this DID",
    );
  }
  need(
    s.TAP_PASSWORD === undefined || s.TAP_URL !== undefined,
    "ATMOS_TAP_PASSWORD is set without ATMOS_TAP_URL: name the address of your Tap, or remove the password",
  );
  if (has("zone"))
    need(
      has("labeler"),
      "ATMOS_ROLES has zone without labeler: the allowlist is made from the labels of the same process; add labeler",
    );
  out.push(...brokerContradictions(s));
  const listening: [string, Address][] = [
    ["ATMOS_METRICS_ADDRESS", s.METRICS_ADDRESS],
    ["ATMOS_HTTP_ADDRESS", s.HTTP_ADDRESS],
  ];
  if (has("relay")) {
    for (const at of s.SUBMISSION_TLS_ADDRESS) listening.push(["ATMOS_SUBMISSION_TLS_ADDRESS", at]);
    for (const at of s.SUBMISSION_STARTTLS_ADDRESS) listening.push(["ATMOS_SUBMISSION_STARTTLS_ADDRESS", at]);
    listening.push(["ATMOS_INBOUND_ADDRESS", s.INBOUND_ADDRESS]);
    if (s.ACME_DIRECTORY !== undefined) listening.push(["ATMOS_ACME_HTTP_ADDRESS", s.ACME_HTTP_ADDRESS]);
  }
  if (has("zone")) listening.push(["ATMOS_ZONE_ADDRESS", s.ZONE_ADDRESS]);
  for (const [i, [name, at]] of listening.entries()) {
    const twin = listening
      .slice(i + 1)
      .find(([, other]) => at.port !== 0 && other.port === at.port && other.host === at.host);
    if (!twin) continue;
    out.push(
      twin[0] === name
        ? `${name} names ${at.host}:${at.port} twice`
        : `${name} and ${twin[0]} are both ${at.host}:${at.port}: give each a port of its own`,
    );
  }
  if (s.ZONE_NAME === s.POOL_DOMAIN)
    out.push(
      "ATMOS_ZONE_NAME is the pool's own domain: the allowlist needs a name of its own, such as wl.POOL_DOMAIN",
    );
  return out;
}

function brokerContradictions(s: Settings): string[] {
  const out: string[] = [];
  const hasBrokers = s.KAFKA_BROKERS.length > 0;
  const need = (condition: boolean, text: string) => condition || out.push(text);
  const [here, there] = s.ROLES.includes("core") ? ["core", "relay"] : ["relay", "core"];
  need(
    hasBrokers || s.ROLES.includes("core") === s.ROLES.includes("relay"),
    `ATMOS_KAFKA_BROKERS is missing: ATMOS_ROLES has ${here} without ${there}, which another process must run, and the two meet at brokers`,
  );
  need(
    hasBrokers || s.RULES_ENGINE === "embedded",
    `ATMOS_RULES_ENGINE is ${s.RULES_ENGINE} without ATMOS_KAFKA_BROKERS: Osprey's workers are reached by brokers`,
  );
  need(
    !hasBrokers || s.NODE_NAME !== undefined,
    "ATMOS_NODE_NAME is missing: each process that shares brokers has a name of its own, which it keeps, such as mx1",
  );
  need(
    (s.KAFKA_USERNAME === undefined) === (s.KAFKA_PASSWORD === undefined),
    "ATMOS_KAFKA_USERNAME and ATMOS_KAFKA_PASSWORD belong together: set both, or none",
  );
  need(
    s.KAFKA_TLS || s.KAFKA_CA_FILE === undefined,
    "ATMOS_KAFKA_CA_FILE is set although ATMOS_KAFKA_TLS is false: remove one of them",
  );
  need(
    s.KAFKA_TLS || s.KAFKA_USERNAME === undefined || s.KAFKA_SASL_MECHANISM !== "PLAIN",
    "ATMOS_KAFKA_SASL_MECHANISM is PLAIN although ATMOS_KAFKA_TLS is false: the password would go in clear",
  );
  return out;
}

function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name.toUpperCase(), known);
  return near === undefined
    ? `. The settings are listed in docs/configuration.md`
    : `; did you mean ${PREFIX}${near}?`;
}

export function dataPath(config: Pick<Config, "DATA_DIR">, name: string): string {
  return join(config.DATA_DIR, name);
}

import { isIP } from "node:net";
import { z } from "zod";

/** Programs that can check a zone before it is published. */
const ZONE_CHECKERS = ["named-checkzone", "kzonecheck", "rbldnsd"] as const;

/** Whose verdicts count: the evaluator's in core, or those of Osprey's workers; `a-and-b`: b is the shadow of a. */
const RULE_ENGINES = ["embedded", "embedded-and-osprey", "osprey-and-embedded", "osprey"] as const;
export type RuleEngineChoice = (typeof RULE_ENGINES)[number];

const SASL_MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

const ROLES = ["core", "labeler", "relay", "zone"] as const;
export type Role = (typeof ROLES)[number];

export type Address = { host: string; port: number };

const address = z.string().transform((text, context): Address => {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!host || port > 65_535) {
    context.addIssue({
      code: "custom",
      message: `"${text}" is not HOST:PORT, such as 127.0.0.1:8080 or [::]:465`,
    });
    return z.NEVER;
  }
  return { host, port };
});

/** Where something listens several times: each address once. */
const addresses = z
  .string()
  .transform((text) => text.split(/[,\s]+/).filter((part) => part !== ""))
  .pipe(z.array(address).min(1, "names no HOST:PORT"));

const domain = z
  .string()
  .toLowerCase()
  .regex(
    /^(?=.{1,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/,
    "is not a domain name in A-label form",
  );

const list = z.string().transform((text) => text.split(/[,\s]+/).filter((part) => part !== ""));

/** `gmail=500, microsoft=300`. Which providers there are the shaping file knows. */
const providerLimits = list.transform((parts, context) => {
  const limits: Record<string, number> = {};
  for (const part of parts) {
    const [, name = "", most] = /^([a-z][a-z0-9-]*)=(\d{1,9})$/.exec(part) ?? [];
    if (name === "") {
      const message = `"${part}" is not PROVIDER=RECIPIENTS, such as gmail=500`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
    limits[name] = Math.max(1, Number(most));
  }
  return limits;
});

const MOST_EGRESS = 64;

/** `192.0.2.1=mx1.coop.example, 2001:db8::1=mx1.coop.example`: where mail leaves from, and what EHLO says there. */
const egressAddresses = list.transform((parts, context) => {
  const found: { address: string; ehlo: string }[] = [];
  const fault = (message: string) => {
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  for (const part of parts) {
    const [, address = "", name = ""] = /^([^=]+)=(.+)$/.exec(part.toLowerCase()) ?? [];
    const ehlo = domain.safeParse(name);
    if (isIP(address) === 0 || address.includes("%") || !ehlo.success)
      return fault(`"${part}" is not ADDRESS=NAME, such as 192.0.2.1=mx1.coop.example`);
    if (/^(0\.0\.0\.0|[0:]+)$/.test(address))
      return fault(`"${part}" names no single address: write the one that mail leaves from`);
    if (found.some((one) => one.address === address)) return fault(`${address} is named twice`);
    found.push({ address, ehlo: ehlo.data });
  }
  return found.length > MOST_EGRESS ? fault(`names more than ${MOST_EGRESS} addresses`) : found;
});

const server = z.string().refine((text) => {
  const [, host] = /^(.+):\d{1,5}$/.exec(text) ?? [];
  return host !== undefined && isIP(host.replace(/^\[|\]$/g, "")) !== 0;
}, "must be IP:PORT of a resolver, such as 127.0.0.1:53");

const url = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .transform((text) => text.replace(/\/+$/, ""));

const streamUrl = z
  .url({ protocol: /^(https?|wss?)$/, error: "must be wss or https URLs" })
  .transform((text) => text.replace(/\/+$/, ""));

const flag = z
  .enum(["true", "false"], { error: "must be true or false" })
  .transform((text) => text === "true");

const secret = z
  .string()
  .regex(/^[0-9a-f]{64}$/i, "must be 64 hexadecimal digits; make one with: openssl rand -hex 32")
  .transform((text) => new Uint8Array(Buffer.from(text, "hex")));

const did = z.string().regex(/^did:(plc:[a-z2-7]{24}|web:[a-z0-9.%:-]+)$/, "must be a did:plc or did:web");

const seconds = z.coerce.number({ error: "must be a number of seconds" }).int().positive();

/** Every setting, its form and its default. The names are `ATMOS_` and the key in upper case. */
export const settings = z.object({
  ROLES: list
    .pipe(z.array(z.enum(ROLES, { error: `must be some of ${ROLES.join(", ")}` })).min(1))
    .default([...ROLES]),
  DATA_DIR: z.string().min(1).default("./data"),
  SPOOL_RESERVE: z.coerce.number({ error: "must be a number of MiB" }).int().min(1).default(100),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),

  POOL_DOMAIN: domain,
  POOL_HOSTNAME: domain.optional(),
  POOL_REGION: z
    .string()
    .regex(/^[a-z0-9]{1,8}$/)
    .default("eu"),

  PUBLIC_URL: url,
  HTTP_ADDRESS: address.prefault("127.0.0.1:8080"),
  METRICS_ADDRESS: address.prefault("127.0.0.1:9464"),
  DNS_SERVERS: list.pipe(z.array(server).min(1)).prefault("127.0.0.1:53"),
  PLC_URL: url.default("https://plc.directory"),
  ALLOW_PRIVATE_NETWORK: flag.default(false),

  SUBMISSION_TLS_ADDRESS: addresses.prefault("[::]:465,[::]:2465"),
  SUBMISSION_STARTTLS_ADDRESS: addresses.prefault("[::]:587,[::]:2587"),
  INBOUND_ADDRESS: address.prefault("[::]:25"),
  TLS_CERT_FILE: z.string().min(1).optional(),
  TLS_KEY_FILE: z.string().min(1).optional(),
  ACME_DIRECTORY: z
    .url({
      protocol: /^https$/,
      error: "must be the https URL of an ACME directory, which your authority names",
    })
    .optional(),
  ACME_CONTACT: z
    .string()
    .regex(/^[^\s@:,<>]+@[^\s@:,<>]+$/, "must be an e-mail address")
    .optional(),
  ACME_NAMES: list.pipe(z.array(domain).max(99, "must be at most 99 names")).default([]),
  ACME_HTTP_ADDRESS: address.prefault("[::]:80"),
  ACME_CA_FILE: z.string().min(1).optional(),
  ACME_EAB_KID: z.string().min(1).optional(),
  ACME_EAB_KEY: z
    .string()
    .regex(/^[A-Za-z0-9_+/-]{16,}={0,2}$/, "must be the base64url key that your authority gave you")
    .optional(),
  DELIVERY_CONNECTIONS: z.coerce
    .number({ error: "must be a whole number of connections" })
    .int()
    .min(10)
    .max(5_000)
    .default(200),
  DELIVERY_PORT: z.coerce.number().int().min(1).max(65_535).default(25),
  POOL_DKIM_SELECTOR: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
    .default("pool1"),
  POOL_HOURLY: z.coerce.number({ error: "must be a whole number of recipients" }).int().min(1).optional(),
  PROVIDER_DAILY: providerLimits.prefault(""),
  EGRESS_ADDRESSES: egressAddresses.prefault(""),
  NAT_ADDRESSES: list
    .pipe(z.array(z.string().refine((text) => isIP(text) !== 0, "must be IP addresses")))
    .prefault(""),
  EGRESS_WARM: list
    .pipe(
      z.array(
        z
          .string()
          .toLowerCase()
          .refine((text) => text === "all" || isIP(text) !== 0, "must be IP addresses, or all"),
      ),
    )
    .prefault(""),
  EGRESS_BLOCKLISTS: list
    .pipe(z.array(domain).max(20, "must be at most 20 zones"))
    .prefault("zen.spamhaus.org,bl.spamcop.net,psbl.surriel.com"),
  EGRESS_LAST_LISTED: z
    .enum(["stop", "codes", "keep"], { error: "must be stop, codes or keep" })
    .default("codes"),
  ROLE_MAIL_TO: z
    .string()
    .regex(/^[^\s@:,<>]+@[^\s@:,<>]+$/, "must be an e-mail address")
    .optional(),
  TLS_REPORT: flag.default(true),
  TLS_REPORT_CONTACT: z
    .string()
    .regex(/^[^\s@:,<>]+@[^\s@:,<>]+$/, "must be an e-mail address")
    .optional(),
  RULES_ENGINE: z
    .enum(RULE_ENGINES, { error: `must be one of ${RULE_ENGINES.join(", ")}` })
    .default("embedded"),
  SHAPING_FILE: z.string().min(1).optional(),
  RELAY_SECRET: secret.optional(),
  RELAY_SEALING_KEY: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, "is not a sealing key; the relay prints its own with: atmos doctor")
    .optional(),

  NODE_NAME: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/,
      "must be up to 32 letters, digits and hyphens, such as mx1",
    )
    .optional(),
  CUT_OFF_AFTER: seconds.default(60),
  CUT_OFF_HOURS: z.coerce.number({ error: "must be a number of hours" }).min(1).max(720).default(24),
  KAFKA_BROKERS: list.pipe(z.array(address).max(32, "must be at most 32 brokers")).prefault(""),
  KAFKA_PREFIX: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{0,64}$/, "must be up to 64 letters, digits, dots, hyphens and underscores")
    .default(""),
  KAFKA_TLS: flag.default(true),
  KAFKA_CA_FILE: z.string().min(1).optional(),
  KAFKA_SASL_MECHANISM: z
    .enum(SASL_MECHANISMS, { error: `must be one of ${SASL_MECHANISMS.join(", ")}` })
    .default("SCRAM-SHA-512"),
  KAFKA_USERNAME: z.string().min(1).optional(),
  KAFKA_PASSWORD: z.string().min(1).optional(),

  CORE_KEY: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, "is not the key of a core; the core prints its own with: atmos doctor")
    .optional(),

  CORE_SECRET: secret.optional(),

  LABELER_DID: did.optional(),
  LABELER_KEY: secret.optional(),
  ATTESTATION_HOSTS: list.pipe(z.array(url)).default([]),
  JETSTREAM_URLS: list.pipe(z.array(streamUrl)).default([]),
  TAP_URL: url.optional(),
  TAP_PASSWORD: z.string().min(1).optional(),
  SWEEP_HOSTS: list.pipe(z.array(url)).optional(),
  LEXICON_AUTHORITY: z
    .string()
    .regex(
      /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/,
      "must be the NSID form of a domain, reversed: community.email for email.community",
    )
    .default("community.email"),
  COMMITTEE_DIDS: list
    .pipe(z.array(z.string().regex(/^did:(plc:[a-z2-7]{24}|web:[a-zA-Z0-9.%-]{1,253})$/, "must be DIDs")))
    .default([]),
  TRUSTED_PROXIES: list
    .pipe(z.array(z.string().refine((text) => isIP(text) !== 0, "must be IP addresses")))
    .prefault("127.0.0.1,::1"),
  CHECK_SERVERS: flag.default(true),
  CHECK_INTERVAL: seconds.default(21_600),

  ZONE_NAME: domain.optional(),
  ZONE_ADDRESS: address.prefault("[::]:53"),
  ZONE_NAME_SERVERS: list.pipe(z.array(domain).max(13, "must be at most 13 names")).optional(),
  ZONE_CHECKERS: list
    .pipe(z.array(z.enum(ZONE_CHECKERS, `must be of ${ZONE_CHECKERS.join(", ")}`)))
    .prefault(""),
  TRUSTED_LABELERS: list
    .pipe(
      z
        .array(z.string().regex(/^did:(plc:[a-z2-7]{24}|web:[a-zA-Z0-9.%-]{1,253})$/, "must be DIDs"))
        .max(20, "must be at most 20 labelers"),
    )
    .prefault(""),
});

export type Settings = z.infer<typeof settings>;

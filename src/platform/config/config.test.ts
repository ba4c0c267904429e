import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig, readEnvironment } from "./index.ts";
import { settings } from "./settings.ts";

const hex = "ab".repeat(32);
const whole = {
  ATMOS_POOL_DOMAIN: "coop.example",
  ATMOS_PUBLIC_URL: "https://coop.example/",
  ATMOS_RELAY_SECRET: hex,
  ATMOS_CORE_SECRET: hex,
  ATMOS_LABELER_KEY: hex,
  ATMOS_LABELER_DID: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
  ATMOS_TLS_CERT_FILE: "/c.pem",
  ATMOS_TLS_KEY_FILE: "/k.pem",
};

function problems(env: Record<string, string>): string {
  try {
    parseConfig(env);
    return "";
  } catch (error) {
    return (error as ConfigError).message;
  }
}

test("a whole configuration gets its defaults, and the secrets are apart", () => {
  const { config, secrets } = parseConfig(whole);
  expect(config).toMatchObject({
    POOL_HOSTNAME: "relay.coop.example",
    ZONE_NAME: "wl.coop.example",
    PUBLIC_URL: "https://coop.example",
    ROLES: ["core", "labeler", "relay", "zone"],
    SUBMISSION_TLS_ADDRESS: [
      { host: "::", port: 465 },
      { host: "::", port: 2465 },
    ],
    SUBMISSION_STARTTLS_ADDRESS: [
      { host: "::", port: 587 },
      { host: "::", port: 2587 },
    ],
    DNS_SERVERS: ["127.0.0.1:53"],
    PROVIDER_DAILY: {},
    EGRESS_ADDRESSES: [],
    EGRESS_WARM: [],
    EGRESS_BLOCKLISTS: ["zen.spamhaus.org", "bl.spamcop.net", "psbl.surriel.com"],
    EGRESS_LAST_LISTED: "codes",
  });
  const limited = parseConfig({ ...whole, ATMOS_PROVIDER_DAILY: "gmail=500, microsoft=300" });
  expect(limited.config.PROVIDER_DAILY).toEqual({ gmail: 500, microsoft: 300 });
  expect(JSON.stringify(config)).not.toContain(hex);
  expect(secrets.core).toHaveLength(32);
});

test("sources of attestations: several streams, and a Tap whose password is a secret", () => {
  const { config, secrets } = parseConfig({
    ...whole,
    ATMOS_ATTESTATION_HOSTS: "https://relay.example, https://pds.example/",
    ATMOS_JETSTREAM_URLS: "wss://jetstream.example/subscribe",
    ATMOS_TAP_URL: "http://127.0.0.1:2480",
    ATMOS_TAP_PASSWORD: "correct horse",
  });
  expect(config).toMatchObject({
    ATTESTATION_HOSTS: ["https://relay.example", "https://pds.example"],
    JETSTREAM_URLS: ["wss://jetstream.example/subscribe"],
    TAP_URL: "http://127.0.0.1:2480",
    LEXICON_AUTHORITY: "community.email",
    TRUSTED_PROXIES: ["127.0.0.1", "::1"],
  });
  expect(JSON.stringify(config)).not.toContain("correct horse");
  expect(secrets.tap).toBe("correct horse");
});

test("addresses that mail leaves from", () => {
  const { config } = parseConfig({
    ...whole,
    ATMOS_EGRESS_ADDRESSES: "192.0.2.1=mx1.coop.example, 2001:DB8::1=MX1.coop.example",
    ATMOS_EGRESS_WARM: "2001:DB8::1",
    ATMOS_EGRESS_BLOCKLISTS: "",
    ATMOS_EGRESS_LAST_LISTED: "keep",
  });
  expect(config).toMatchObject({
    EGRESS_ADDRESSES: [
      { address: "192.0.2.1", ehlo: "mx1.coop.example" },
      { address: "2001:db8::1", ehlo: "mx1.coop.example" },
    ],
    EGRESS_WARM: ["2001:db8::1"],
    EGRESS_BLOCKLISTS: [],
    EGRESS_LAST_LISTED: "keep",
  });
});

test("ACME takes the place of the files, and its key is a secret", () => {
  const { ATMOS_TLS_CERT_FILE: _cert, ATMOS_TLS_KEY_FILE: _key, ...rest } = whole;
  const { config, secrets } = parseConfig({
    ...rest,
    ATMOS_ACME_DIRECTORY: "https://ca.example/directory",
    ATMOS_ACME_NAMES: "mx.coop.example, bounce.coop.example",
    ATMOS_ACME_EAB_KID: "kid-1",
    ATMOS_ACME_EAB_KEY: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
  });
  expect(config).toMatchObject({
    ACME_DIRECTORY: "https://ca.example/directory",
    ACME_NAMES: ["mx.coop.example", "bounce.coop.example"],
    ACME_HTTP_ADDRESS: { host: "::", port: 80 },
  });
  expect(secrets.acmeBinding).toMatch(/^zWND/);
  expect(JSON.stringify(config)).not.toContain("zWND");
});

describe("one error names every problem", () => {
  test.each<[string, Record<string, string>, RegExp[]]>([
    [
      "a misspelt name",
      { ...whole, ATMOS_POOL_DOMIAN: "x" },
      [/ATMOS_POOL_DOMIAN is not a setting; did you mean ATMOS_POOL_DOMAIN\?/],
    ],
    [
      "an egress address without a name",
      { ...whole, ATMOS_EGRESS_ADDRESSES: "192.0.2.1" },
      [/ATMOS_EGRESS_ADDRESSES "192\.0\.2\.1" is not ADDRESS=NAME/],
    ],
    [
      "an egress address twice",
      { ...whole, ATMOS_EGRESS_ADDRESSES: "192.0.2.1=a.example,192.0.2.1=b.example" },
      [/ATMOS_EGRESS_ADDRESSES 192\.0\.2\.1 is named twice/],
    ],
    [
      "every address as one",
      { ...whole, ATMOS_EGRESS_ADDRESSES: "[::]=a.example" },
      [/ATMOS_EGRESS_ADDRESSES "\[::\]=a.example" is not ADDRESS=NAME/],
    ],
    [
      "the unspecified address",
      { ...whole, ATMOS_EGRESS_ADDRESSES: "0.0.0.0=a.example" },
      [/ATMOS_EGRESS_ADDRESSES "0.0.0.0=a.example" names no single address/],
    ],
    [
      "what is warm and what is a list",
      {
        ...whole,
        ATMOS_EGRESS_WARM: "192.0.2.7",
        ATMOS_EGRESS_LAST_LISTED: "maybe",
        ATMOS_EGRESS_BLOCKLISTS: "a b",
      },
      [
        /ATMOS_EGRESS_WARM names 192\.0\.2\.7, which is not among ATMOS_EGRESS_ADDRESSES/,
        /ATMOS_EGRESS_LAST_LISTED must be stop, codes or keep/,
        /ATMOS_EGRESS_BLOCKLISTS is not a domain name/,
      ],
    ],
    ["a stranger in the file", { ...whole, PDS_HOSTNAME: "x" }, [/PDS_HOSTNAME is not a setting/]],
    [
      "several at once",
      { ATMOS_HTTP_ADDRESS: "nowhere" },
      [
        /ATMOS_POOL_DOMAIN is missing/,
        /ATMOS_PUBLIC_URL is missing/,
        /ATMOS_HTTP_ADDRESS "nowhere" is not HOST:PORT/,
      ],
    ],
    [
      "a password without a Tap",
      { ...whole, ATMOS_TAP_PASSWORD: "x" },
      [/ATMOS_TAP_PASSWORD is set without ATMOS_TAP_URL/],
    ],
    [
      "sources and names of a wrong form",
      {
        ...whole,
        ATMOS_JETSTREAM_URLS: "jetstream.example",
        ATMOS_LEXICON_AUTHORITY: "email",
        ATMOS_TRUSTED_PROXIES: "proxy.example",
      },
      [
        /ATMOS_JETSTREAM_URLS must be wss or https URLs/,
        /ATMOS_LEXICON_AUTHORITY must be the NSID form/,
        /ATMOS_TRUSTED_PROXIES must be IP addresses/,
      ],
    ],
    [
      "a certificate without its key",
      without("ATMOS_TLS_KEY_FILE"),
      [/ATMOS_TLS_CERT_FILE and ATMOS_TLS_KEY_FILE are both needed/],
    ],
    [
      "two ways to a certificate",
      { ...whole, ATMOS_ACME_DIRECTORY: "https://ca.example/directory" },
      [/ATMOS_ACME_DIRECTORY and ATMOS_TLS_CERT_FILE.*two ways/],
    ],
    [
      "ACME with half of everything",
      {
        ...without("ATMOS_TLS_KEY_FILE"),
        ATMOS_ACME_DIRECTORY: "http://ca.example/directory",
        ATMOS_ACME_CONTACT: "mailto:x",
        ATMOS_ACME_EAB_KID: "kid",
        ATMOS_ACME_NAMES: "*.coop.example",
      },
      [
        /ATMOS_ACME_DIRECTORY must be the https URL/,
        /ATMOS_ACME_CONTACT must be an e-mail address/,
        /ATMOS_ACME_EAB_KID and ATMOS_ACME_EAB_KEY belong together/,
        /ATMOS_ACME_NAMES is not a domain name/,
      ],
    ],
    ["a labeler without its key", without("ATMOS_LABELER_KEY"), [/ATMOS_LABELER_KEY is missing/]],
    ["a short secret", { ...whole, ATMOS_CORE_SECRET: "abc" }, [/ATMOS_CORE_SECRET must be 64 hex/]],
    [
      "two listeners on one port",
      { ...whole, ATMOS_INBOUND_ADDRESS: "[::]:465" },
      [/SUBMISSION_TLS_ADDRESS and ATMOS_INBOUND_ADDRESS are both/],
    ],
    ["a sealing key beside its secret", { ...whole, ATMOS_RELAY_SEALING_KEY: "A".repeat(43) }, [/remove it/]],
    [
      "core alone",
      { ...whole, ATMOS_ROLES: "core" },
      [
        /ATMOS_RELAY_SEALING_KEY is missing/,
        /ATMOS_RELAY_SECRET is for relay nodes/,
        /ATMOS_KAFKA_BROKERS is missing.*has core without relay/,
      ],
    ],
    [
      "a relay alone",
      { ...whole, ATMOS_ROLES: "relay" },
      [/ATMOS_CORE_KEY is missing/, /ATMOS_KAFKA_BROKERS .*has relay without core/],
    ],
    [
      "a core's key beside its secret",
      { ...whole, ATMOS_CORE_KEY: "A".repeat(43) },
      [/ATMOS_CORE_KEY .*remove it/],
    ],
    [
      "Osprey without brokers",
      { ...whole, ATMOS_RULES_ENGINE: "osprey" },
      [/RULES_ENGINE is osprey without/],
    ],
    [
      "an engine that is none",
      { ...whole, ATMOS_RULES_ENGINE: "prolog" },
      [/RULES_ENGINE must be one of embedded/],
    ],
    [
      "brokers without a name of the node",
      { ...whole, ATMOS_KAFKA_BROKERS: "kafka1.coop.example:9093" },
      [/ATMOS_NODE_NAME is missing/],
    ],
    [
      "half a log-in at the brokers, and it in clear",
      {
        ...whole,
        ATMOS_KAFKA_BROKERS: "127.0.0.1:9092",
        ATMOS_NODE_NAME: "mx1",
        ATMOS_KAFKA_TLS: "false",
        ATMOS_KAFKA_CA_FILE: "/ca.pem",
        ATMOS_KAFKA_USERNAME: "mx1",
        ATMOS_KAFKA_SASL_MECHANISM: "PLAIN",
      },
      [/USERNAME and ATMOS_KAFKA_PASSWORD belong/, /CA_FILE is set although/, /password would go in clear/],
    ],
    [
      "settings of brokers that are of no form",
      {
        ...whole,
        ATMOS_KAFKA_BROKERS: "kafka1",
        ATMOS_NODE_NAME: "Node One",
        ATMOS_KAFKA_SASL_MECHANISM: "GSSAPI",
      },
      [
        /ATMOS_KAFKA_BROKERS "kafka1" is not HOST:PORT/,
        /ATMOS_NODE_NAME must be up to 32/,
        /must be one of PLAIN/,
      ],
    ],
    ["zone without labeler", { ...whole, ATMOS_ROLES: "core,relay,zone" }, [/zone without labeler/]],
    [
      "one of several addresses of a wrong form",
      { ...whole, ATMOS_SUBMISSION_TLS_ADDRESS: "127.0.0.2:465,2465" },
      [/ATMOS_SUBMISSION_TLS_ADDRESS "2465" is not HOST:PORT/],
    ],
    [
      "limits that are none",
      { ...whole, ATMOS_PROVIDER_DAILY: "gmail=500,bigmail=few", ATMOS_POOL_HOURLY: "many" },
      [/ATMOS_PROVIDER_DAILY "bigmail=few" is not PROVIDER=RECIPIENTS/, /ATMOS_POOL_HOURLY must be a whole/],
    ],
    [
      "no address at all",
      { ...whole, ATMOS_SUBMISSION_TLS_ADDRESS: "," },
      [/ATMOS_SUBMISSION_TLS_ADDRESS names no HOST:PORT/],
    ],
    [
      "an address twice",
      { ...whole, ATMOS_SUBMISSION_TLS_ADDRESS: "127.0.0.1:465, 127.0.0.1:465" },
      [/ATMOS_SUBMISSION_TLS_ADDRESS names 127.0.0.1:465 twice/],
    ],
    [
      "TLS and STARTTLS on one of their ports",
      { ...whole, ATMOS_SUBMISSION_STARTTLS_ADDRESS: "[::]:587,[::]:2465" },
      [/ATMOS_SUBMISSION_TLS_ADDRESS and ATMOS_SUBMISSION_STARTTLS_ADDRESS are both :::2465/],
    ],
    [
      "a missing name beside a role without its key",
      Object.fromEntries(
        Object.entries(whole).filter(([key]) => !["ATMOS_POOL_DOMAIN", "ATMOS_LABELER_KEY"].includes(key)),
      ),
      [/ATMOS_POOL_DOMAIN is missing/, /ATMOS_LABELER_KEY is missing/],
    ],
    ["an unknown role", { ...whole, ATMOS_ROLES: "core,smtp" }, [/ATMOS_ROLES must be some of/]],
    [
      "a resolver by name",
      { ...whole, ATMOS_DNS_SERVERS: "dns.example:53" },
      [/ATMOS_DNS_SERVERS must be IP:PORT/],
    ],
  ])("%s", (_, env, expected) => {
    const text = problems(env);
    for (const pattern of expected) expect(text).toMatch(pattern);
  });
});

function without(name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(whole).filter(([key]) => key !== name));
}

test("a setting of a wrong form is not called missing too", () => {
  expect(problems({ ...whole, ATMOS_CORE_SECRET: "abc" })).not.toMatch(/ATMOS_CORE_SECRET is missing/);
});

test("the variable that names the file is no setting", () => {
  const own = { ATMOS_ENV_FILE: "/x", ATMOS_LOG_LEVEL: "warn", HOME: "/root" };
  expect(readEnvironment(undefined, own)).toEqual({ ATMOS_LOG_LEVEL: "warn" });
});

test("a file that is not there is said plainly", () => {
  expect(() => readEnvironment("/nowhere/atmos.env", {})).toThrow(/cannot be read \(ENOENT\).*--env FILE/);
});

test("the documentation lists every setting, and no other", () => {
  const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  const table = page.split("\n").filter((line) => line.startsWith("| `ATMOS_"));
  const documented = table.flatMap((line) =>
    [...line.split("|")[1]!.matchAll(/`ATMOS_([A-Z_]+)`/g)].map((m) => m[1]!),
  );
  expect(documented.sort()).toEqual(Object.keys(settings.shape).sort());
});

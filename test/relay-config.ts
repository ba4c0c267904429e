import { parseConfig, type Config } from "../src/platform/config/index.ts";

/** Of a relay node with core beside it, on free ports of loopback. */
export function relayConfig(dir: string, change: Record<string, string> = {}): Config {
  const { config } = parseConfig({
    ATMOS_ROLES: "core,relay",
    ATMOS_DATA_DIR: dir,
    ATMOS_POOL_DOMAIN: "coop.test",
    ATMOS_PUBLIC_URL: "https://coop.test",
    ATMOS_RELAY_SECRET: "ab".repeat(32),
    ATMOS_CORE_SECRET: "cd".repeat(32),
    ATMOS_TLS_CERT_FILE: "/c.pem",
    ATMOS_TLS_KEY_FILE: "/k.pem",
    ATMOS_SUBMISSION_TLS_ADDRESS: "127.0.0.1:0",
    ATMOS_SUBMISSION_STARTTLS_ADDRESS: "127.0.0.1:0",
    ATMOS_INBOUND_ADDRESS: "127.0.0.1:0",
    ...change,
  });
  return config;
}

import { createProber, type Source } from "../attestation/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Config, Secrets } from "../platform/config/index.ts";
import { createSafeFetch } from "../platform/fetch.ts";
import { createSmtpConnect } from "../platform/smtp-connect.ts";
import type { LabelerOptions } from "./labeler.ts";

/** How the servers of attested domains are looked at: as the relay would deliver to them. */
export function transportOf(config: Config, clock: Clock): LabelerOptions["transport"] {
  const allowPrivate = config.ALLOW_PRIVATE_NETWORK;
  return {
    fetch: createSafeFetch({ allowPrivate, maxBytes: 65_536 }),
    probe: createProber({
      connect: createSmtpConnect({ allowPrivate }),
      helo: config.POOL_HOSTNAME,
      now: () => clock.now(),
    }),
    port: config.DELIVERY_PORT,
  };
}

/** Where hints of attestations come from. */
export function sourcesOf(config: Config, secrets: Secrets): Source[] {
  return [
    ...config.ATTESTATION_HOSTS.map((url) => ({ protocol: "repos" as const, url })),
    ...config.JETSTREAM_URLS.map((url) => ({ protocol: "jetstream" as const, url })),
    ...(config.TAP_URL === undefined
      ? []
      : [{ protocol: "tap" as const, url: config.TAP_URL, password: secrets.tap }]),
  ];
}

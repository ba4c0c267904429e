import type { TlsReason } from "./types.ts";

/** Why a connection had to be as it was; reads after "TLS by". */
export const TLS_REASON_WORDS: Record<TlsReason, string> = {
  dane: "DANE",
  "mta-sts": "MTA-STS",
  requiretls: "REQUIRETLS",
  operator: "a rule of the pool for this domain",
  floor: "the pool's floor (TLS 1.2, any certificate)",
  exception: "an exception (TLS where it is offered)",
};

import { exportSealingKey, openingKeyFrom } from "../../platform/seal.ts";
import { exportVerifyingKey } from "../../platform/sign.ts";
import { coreKeyOf, derive } from "../../roles/index.ts";
import { ok, type Finding, type Probe } from "./probe.ts";

/** What the processes of a pool have to know of each other. */
export const pool: Probe = async ({ config, secrets }) => {
  const findings: Finding[] = [];
  const coreKey = secrets.core && coreKeyOf(config, secrets);
  if (coreKey)
    findings.push(ok("pool", `relay nodes elsewhere need: ATMOS_CORE_KEY=${exportVerifyingKey(coreKey)}`));
  if (secrets.relay) {
    const key = await exportSealingKey(await openingKeyFrom(derive(secrets.relay, "seal")));
    findings.push(ok("pool", `a core elsewhere needs: ATMOS_RELAY_SEALING_KEY=${key}`));
  }
  return findings;
};

import { Secp256k1Keypair } from "@atproto/crypto";
import { createSafeFetch } from "../../platform/fetch.ts";
import { resolveLabeler } from "../../label/index.ts";
import { fail, messageOf, ok, type Finding, type Probe } from "./probe.ts";

/** Whether the world can verify our labels: the DID document names our key and our address. */
export const labeler: Probe = async ({ config, secrets }) => {
  if (!config.ROLES.includes("labeler") || !secrets.labeler || !config.LABELER_DID) return [];
  const fetch = createSafeFetch({ allowPrivate: config.ALLOW_PRIVATE_NETWORK });
  const key = (await Secp256k1Keypair.import(secrets.labeler)).did();
  const did = config.LABELER_DID;
  let found;
  try {
    found = await resolveLabeler(did, config.PLC_URL, fetch);
  } catch (error) {
    return [
      fail(
        "labeler",
        `${did} does not resolve: ${messageOf(error)}`,
        "Look at ATMOS_PLC_URL and ATMOS_LABELER_DID.",
      ),
    ];
  }
  if (!found)
    return [
      fail(
        "labeler",
        `${did} is not known to ${config.PLC_URL}`,
        "Make the labeler's account first, and set ATMOS_LABELER_DID to its DID.",
      ),
    ];
  const { key: published, endpoint } = found;
  const findings: Finding[] = [];
  findings.push(
    published === key
      ? ok("labeler key", `${did} names our signing key`)
      : fail(
          "labeler key",
          `${did} names ${published ?? "no #atproto_label key"}, we sign with ${key}`,
          "Labels do not verify until the DID document names our key. Run: atmos labeler setup --env FILE",
        ),
  );
  findings.push(
    endpoint === config.PUBLIC_URL
      ? ok("labeler address", `${did} points at ${config.PUBLIC_URL}`)
      : fail(
          "labeler address",
          `${did} points at ${endpoint ?? "nothing"}, not at ${config.PUBLIC_URL}`,
          "Run: atmos labeler setup --env FILE, and then: atmos labeler self-test --env FILE",
        ),
  );
  return findings;
};

import { Secp256k1Keypair } from "@atproto/crypto";
import { DidResolver, getDidKeyFromMultibase } from "@atproto/identity";
import { createSafeFetch } from "../../platform/fetch.ts";
import { fail, messageOf, ok, type Finding, type Probe } from "./probe.ts";

const TIMEOUT_MS = 5_000;

/** Whether the world can verify our labels: the DID document names our key and our address. */
export const labeler: Probe = async ({ config, secrets }) => {
  if (!config.ROLES.includes("labeler") || !secrets.labeler || !config.LABELER_DID) return [];
  const fetch = createSafeFetch({ allowPrivate: config.ALLOW_PRIVATE_NETWORK });
  const key = (await Secp256k1Keypair.import(secrets.labeler)).did();
  const did = config.LABELER_DID;
  let document;
  try {
    document = await new DidResolver({
      plcUrl: config.PLC_URL,
      timeout: TIMEOUT_MS,
      fetch: (input, init) => fetch(input instanceof Request ? input.url : input, init),
    }).resolve(did, true);
  } catch (error) {
    return [
      fail(
        "labeler",
        `${did} does not resolve: ${messageOf(error)}`,
        "Look at ATMOS_PLC_URL and ATMOS_LABELER_DID.",
      ),
    ];
  }
  if (!document)
    return [
      fail(
        "labeler",
        `${did} is not known to ${config.PLC_URL}`,
        "Make the labeler's account first, and set ATMOS_LABELER_DID to its DID.",
      ),
    ];
  const findings: Finding[] = [];
  const method = document.verificationMethod?.find((m) => m.id.endsWith("#atproto_label"));
  // By its type: older PLC directories write keys uncompressed, as EcdsaSecp256k1VerificationKey2019.
  const published =
    method?.publicKeyMultibase === undefined
      ? undefined
      : getDidKeyFromMultibase({ type: method.type, publicKeyMultibase: method.publicKeyMultibase });
  findings.push(
    published === key
      ? ok("labeler key", `${did} names our signing key`)
      : fail(
          "labeler key",
          `${did} names ${published ?? "no #atproto_label key"}, we sign with ${key}`,
          "Update the DID document: labels do not verify until then.",
        ),
  );
  const endpoint = document.service?.find((s) => s.id.endsWith("#atproto_labeler"))?.serviceEndpoint;
  findings.push(
    endpoint === config.PUBLIC_URL
      ? ok("labeler address", `${did} points at ${config.PUBLIC_URL}`)
      : fail(
          "labeler address",
          `${did} points at ${typeof endpoint === "string" ? endpoint : "nothing"}, not at ${config.PUBLIC_URL}`,
          "Add the service #atproto_labeler of type AtprotoLabeler to the DID document.",
        ),
  );
  return findings;
};

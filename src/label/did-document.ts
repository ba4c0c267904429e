/**
 * The DID document of a labeler: the key `#atproto_label` as Multikey and the service `#atproto_labeler`
 * (atproto label and DID specifications). `keyId` is a did:key, `endpoint` an origin.
 */
export function labelerDidDocument(did: string, keyId: string, endpoint: string) {
  return {
    "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
    id: did,
    verificationMethod: [
      {
        id: `${did}#atproto_label`,
        type: "Multikey",
        controller: did,
        publicKeyMultibase: keyId.replace(/^did:key:/, ""),
      },
    ],
    service: [{ id: "#atproto_labeler", type: "AtprotoLabeler", serviceEndpoint: new URL(endpoint).origin }],
  };
}

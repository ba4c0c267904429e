export { canonicalJson, signProof, verifyProof, type Verified } from "./jws.ts";
export { ProofClaims, type ProofFacts, claimsOf } from "./claims.ts";

import { z } from "zod";
import { openSealed, seal, type OpeningKey, type SealingKey } from "../platform/seal.ts";
import { isSignedBy, sign, type SigningKey, type VerifyingKey } from "../platform/sign.ts";
import type { MemberPolicy } from "./types.ts";

/**
 * A member's policy as it travels over brokers: sealed to the relay nodes, since verifiers of credentials and what we think
 * of a member are nobody else's, and signed by core, since whoever may write to a broker must not admit a sender.
 */
const Snapshot = z.object({
  did: z.string().max(2_048),
  version: z.number().int(),
  /** The policy (JSON) in HPKE, base64url. */
  box: z.string().max(1_000_000),
  /** Of core, over the three before. */
  signature: z.string().max(200),
});
export type PolicySnapshot = z.infer<typeof Snapshot>;

const PURPOSE = "policy snapshot";
const signedText = ({ did, version, box }: Omit<PolicySnapshot, "signature">) => `${did}\n${version}\n${box}`;

export async function closeSnapshot(
  policy: MemberPolicy,
  { sealTo, signWith }: { sealTo: SealingKey; signWith: SigningKey },
): Promise<PolicySnapshot> {
  const { did, version } = policy;
  const box = await seal(sealTo, JSON.stringify(policy));
  return { did, version, box, signature: sign(signWith, PURPOSE, signedText({ did, version, box })) };
}

export type OpenedSnapshot =
  | { ok: true; policy: MemberPolicy }
  /** `why`: in words for the log. */
  | { ok: false; did: string; why: string };

/** What core says, or why this is not to be believed. Fields that a later version added stay in. */
export async function openSnapshot(
  value: unknown,
  { openWith, signedBy }: { openWith: OpeningKey; signedBy: VerifyingKey },
): Promise<OpenedSnapshot> {
  const parsed = Snapshot.safeParse(value);
  if (!parsed.success) return { ok: false, did: "", why: "it has not the form of a policy snapshot" };
  const { did, version, box, signature } = parsed.data;
  if (!isSignedBy(signedBy, PURPOSE, signedText(parsed.data), signature))
    return { ok: false, did, why: "core did not sign it (ATMOS_CORE_KEY)" };
  try {
    const policy = JSON.parse(await openSealed(openWith, box)) as MemberPolicy;
    if (policy.did !== did || policy.version !== version)
      return { ok: false, did, why: "what is inside is another's" };
    return { ok: true, policy };
  } catch {
    return { ok: false, did, why: "it is sealed to another relay secret (ATMOS_RELAY_SEALING_KEY of core)" };
  }
}

import { ATTESTATION_COLLECTION } from "../attestation/index.ts";
import type { ApplicationForm } from "../member/index.ts";
import type { Serve } from "../roles/index.ts";
import { dmarcRecord, type SeedOperator } from "./operators.ts";
import type { SandboxState } from "./state.ts";
import type { SendingOperator } from "./traffic.ts";
import { POOL_HOSTNAME, type World } from "./world.ts";

type EnrolOptions = {
  seeds: readonly SeedOperator[];
  world: World;
  serve: Serve;
  /** What each operator was given is remembered here. */
  state: SandboxState;
  now: () => number;
};

/**
 * What an operator does to join, for each: an account, membership, a domain, its records in the DNS, a credential, and
 * the attestation in its own repository. Operators that joined at an earlier start only publish their records again.
 */
export async function enrol({ seeds, world, serve, state, now }: EnrolOptions): Promise<SendingOperator[]> {
  const core = serve.core!;
  const labelerDid = serve.labeler!.labels.did;
  const operators: SendingOperator[] = [];
  for (const seed of seeds) {
    const { did } = await world.repos.createAccount({ handle: seed.domain });
    let known = state.operators[seed.domain];
    if (!known) {
      core.admission.apply(did, applicationOf(seed), seed.name);
      core.admission.approve(did, { tier: "new", note: "", by: "sandbox" });
      const added = await core.members.addDomain(did, seed.domain);
      const credential = core.members.createCredential(did, [seed.domain]);
      if ("error" in added || "error" in credential)
        throw new Error(`${seed.domain} cannot join: delete the data directory`);
      known = { did, username: credential.username, secret: credential.secret };
      state.operators[seed.domain] = known;
    }
    publish(seed, did, world, serve);
    await world.repos.putRecord(did, ATTESTATION_COLLECTION, seed.domain, {
      domain: seed.domain,
      dkim: core.members
        .keysOf(seed.domain)
        .map(({ selector, algorithm, fingerprint }) => ({ selector, algorithm, fingerprint })),
      mx: [{ host: `mx.${seed.domain}` }],
      relay: { did: labelerDid, hostname: POOL_HOSTNAME },
      createdAt: new Date(core.members.get(did)?.joined_at ?? now()).toISOString(),
    });
    operators.push({
      ...seed,
      username: known.username,
      secret: known.secret,
      from: `noreply@${seed.domain}`,
    });
  }
  return operators;
}

/** Its people read their mail at its own domain. */
function applicationOf({ name, domain, perDay }: SeedOperator): ApplicationForm {
  return {
    name,
    contact: `admin@${domain}`,
    domains: [domain],
    daily: perDay,
    purpose: "Login codes and confirmations of a PDS.",
    pds: domain,
    words: "",
  };
}

function publish(seed: SeedOperator, did: string, { zones }: World, serve: Serve): void {
  for (const { name, type, value } of serve.core!.members.recordsFor(did, seed.domain)) {
    if (type === "CNAME") zones.set(name, "CNAME", { target: value });
    else zones.set(name, "TXT", { text: value });
  }
  zones.set(`_atproto.${seed.domain}`, "TXT", { text: `did=${did}` });
  zones.set(`_dmarc.${seed.domain}`, "TXT", { text: dmarcRecord(seed) });
}

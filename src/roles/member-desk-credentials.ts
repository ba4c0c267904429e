import { normalizeDomain } from "../attestation/index.ts";
import type { CredentialView, MadeCredential, NewCredential } from "../member/index.ts";
import { envLines, pdsEnvironment, type EnvironmentOptions, type PdsEnvironment } from "./pds-environment.ts";
import { presentOf, wordsFor, type DeskParts, type DeskRefusal } from "./member-desk-parts.ts";

export type WantedCredential = NewCredential & {
  domains: readonly string[];
  /** How the block for a PDS is to look. */
  environment?: EnvironmentOptions;
};

/** The secret is here once: only its hash is kept. */
export type IssuedCredential = MadeCredential & {
  environment: PdsEnvironment;
  /** The environment as lines of a file. */
  lines: string;
};

/** Credentials that somebody may make before it is a member. */
const MOST_OF_APPLICANT = 5;

/** What a member does with its credentials: the same for its pages, the API, the command line and joining. */
export function credentialDesk({ core, submission }: DeskParts) {
  const { members } = core;
  return {
    /** Those in use first. */
    list: (did: string): CredentialView[] => members.credentialsOf(did),

    /** Makes a credential for one program. Without streams it has all; without caps, those of the tier. */
    async make(did: string, wanted: WantedCredential): Promise<IssuedCredential | DeskRefusal> {
      const member = presentOf({ core }, did);
      if ("error" in member) return member;
      const { environment: options = {}, domains: asked, ...rest } = wanted;
      const domains = [...new Set(asked.map((name) => normalizeDomain(name) ?? name))];
      const inUse = members.credentialsOf(did).filter(({ revoked }) => revoked === null).length;
      if (member.membership === "applicant" && inUse >= MOST_OF_APPLICANT)
        return wordsFor({ error: "too-many-credentials", did, most: MOST_OF_APPLICANT });
      const block = (login: { username: string; secret: string }) =>
        pdsEnvironment(submission(), login, domains[0] ?? "", options);
      // Said before a credential is made of it.
      const fault = block({ username: "x", secret: "x" });
      if (typeof fault === "string") return { error: "InvalidRequest", message: fault };
      const made = members.createCredential(did, domains, rest);
      if ("error" in made) return wordsFor(made);
      await core.told();
      const environment = block(made);
      if (typeof environment === "string") return { error: "InvalidRequest", message: environment };
      return { ...made, environment, lines: envLines(environment) };
    },

    /** For good: whoever uses it sends no more. `by`: who, for the record. */
    async revoke(did: string, id: string, by: string): Promise<{ id: string } | DeskRefusal> {
      if (!members.revokeCredential(did, id, by))
        return wordsFor({ error: "credential-not-in-use", credential: id });
      await core.told();
      return { id };
    },
  };
}

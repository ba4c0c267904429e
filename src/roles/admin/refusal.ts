import type { Context } from "hono";
import type { PauseRefusal } from "../core/pause-desk.ts";

/** Why a request was not done, in the words that mend it. */
export function refused(c: Context, error: PauseRefusal): Response {
  return c.json(
    refusal(error),
    error.error === "not-a-member" || error.error === "unknown-domain" ? 404 : 409,
  );
}

export function refusal(error: PauseRefusal): { error: string; message: string } {
  switch (error.error) {
    case "not-a-member":
      return {
        error: "NotAMember",
        message: `${error.did} is not a member; add it first: atmos member add ${error.did}`,
      };
    case "already-a-member":
      return { error: "AlreadyAMember", message: `${error.did} is a member already` };
    case "already-applied":
      return {
        error: "AlreadyApplied",
        message: `${error.did} has applied already; decide: atmos member approve ${error.did}`,
      };
    case "no-application":
      return { error: "NoApplication", message: `${error.did} has no application that waits` };
    case "has-left":
      return error.membership === "applicant"
        ? {
            error: "NotYetAMember",
            message: `${error.did} has applied and was not admitted yet; decide: atmos member decline ${error.did}`,
          }
        : {
            error: "HasLeft",
            message: `${error.did} has left; a new application is the way back: atmos member apply ${error.did}`,
          };
    case "not-its-address":
      return {
        error: "NotItsAddress",
        message: `${error.address} is not known to be the member's: name an address at one of its verified domains, or the contact of its application`,
      };
    case "not-left":
      return {
        error: "NotLeft",
        message: `${error.did} has not left: only of who has left is anything deleted; first: atmos member leave ${error.did}`,
      };
    case "domain-taken":
      return { error: "DomainTaken", message: `${error.domain} belongs to a member already` };
    case "domain-overlaps":
      return {
        error: "DomainOverlaps",
        message: `${error.domain} cannot be added: ${error.other} belongs to another member, and one of the two lies within the other`,
      };
    case "domain-not-held":
      return {
        error: "DomainNotHeld",
        message: `The member does not hold "${error.domain}"; add it first: atmos member domain`,
      };
    case "too-many-credentials":
      return {
        error: "TooManyCredentials",
        message: `${error.did} has ${error.most} credentials in use, which is the most; revoke one first`,
      };
    case "credential-not-in-use":
      return {
        error: "NotFound",
        message: `No such credential is in use: ${error.credential}; see: atmos member credentials DID`,
      };
    case "unknown-domain":
      return { error: "UnknownDomain", message: `No member holds ${error.domain}` };
    case "rotation-under-way":
      return {
        error: "RotationUnderWay",
        message: `${error.domain} has a next pair already; see: atmos domain rotate ${error.domain} --status`,
      };
    case "no-rotation":
      return {
        error: "NoRotation",
        message: `${error.domain} has no next pair; what signs already is not taken back, rotate again instead`,
      };
    case "no-pause":
      return { error: "NotPaused", message: `Nothing of ${error.did} is paused there` };
    case "not-yours":
      return { error: "NotYours", message: "A person of the committee began this pause and ends it" };
    case "not-answered":
      return { error: "NotAnswered", message: "Say whether it was you who sent it" };
  }
}

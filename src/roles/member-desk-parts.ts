import type { MemberError, MemberRow } from "../member/index.ts";
import type { AskAuthority } from "../member/index.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import type { Relay } from "../relay/index.ts";
import type { Spool } from "../spool/index.ts";
import { refusal } from "./admin/refusal.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import type { SubmissionPoint } from "./pds-environment.ts";
import type { PeopleDesk } from "./people-desk.ts";

export type DeskParts = {
  core: Core;
  labeler: Pick<Labeler, "attestations"> | undefined;
  /** Absent where no relay runs in this process. */
  spool: Pick<Spool, "drop" | "list" | "message"> | undefined;
  /** What sends and takes test mails; absent likewise. */
  tests: TestSender | undefined;
  resolver: Resolver;
  askAuthority: AskAuthority;
  people: PeopleDesk;
  /** Where members submit. */
  submission: () => SubmissionPoint;
  clock: { now(): number };
};

/** Where test mails of members are sent to, and how the pool sends one by itself. */
export type TestSender = {
  key: Uint8Array;
  domain: string;
  send: Relay["sendTest"];
};

/** Why something was not done: a name for programs, and a sentence for people that says what to do. */
export type DeskRefusal = { error: string; message: string };

const say = (error: string, message: string): DeskRefusal => ({ error, message });

/** A refusal in words for the member itself, which has no command line of the cooperative. */
export function wordsFor(error: MemberError): DeskRefusal {
  switch (error.error) {
    case "not-a-member":
      return say("NotAMember", `${error.did} is not a member.`);
    case "has-left":
      return error.membership === "applicant"
        ? say("NotYetAMember", "This waits until the committee has approved the application.")
        : say("HasLeft", "This membership has ended. A new application is the way back.");
    case "not-left":
      return say(
        "NotLeft",
        "This membership goes on: only of who has left is anything deleted. Leave first.",
      );
    case "domain-not-held":
      return error.domain === ""
        ? say("DomainNotHeld", "Choose one of your domains at least.")
        : say("DomainNotHeld", `${error.domain} is not one of your domains here.`);
    case "unknown-domain":
      return say("UnknownDomain", `${error.domain} is not one of your domains here.`);
    case "credential-not-in-use":
      return say("NotFound", "This credential is not in use: it was revoked before, or never was.");
    case "rotation-under-way":
      return say("RotationUnderWay", `${error.domain} has new keys already, which wait for the DNS.`);
    case "no-rotation":
      return say(
        "NoRotation",
        `${error.domain} has no new keys that wait. What signs already is not taken back: make new ones instead.`,
      );
    default:
      return refusal(error);
  }
}

/** The member, or why nothing of it can be asked for. An applicant is one as far as it goes. */
export function presentOf({ core }: Pick<DeskParts, "core">, did: string): MemberRow | DeskRefusal {
  const member = core.members.get(did);
  if (member === undefined) return wordsFor({ error: "not-a-member", did });
  if (member.membership === "left") return wordsFor({ error: "has-left", did, membership: "left" });
  return member;
}

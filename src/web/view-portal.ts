import type { NewToken, Person, PersonRole, TokenView } from "../account/index.ts";
import type { CredentialView, Diagnosis, DnsRecordToPublish, Rotation } from "../member/index.ts";
import type { BounceChoice, Membership, Standing, Stream } from "../policy/index.ts";
import type { RecipientState } from "../spool/index.ts";
import type { Test } from "../test-mail/index.ts";
import type { WebhookReceipt, WebhookView } from "../webhook/index.ts";
import type { ShownCredential } from "./view.ts";
import type { MemberDomain } from "./view-member.ts";

/** As whom somebody looks at a member's pages. */
export type PortalRole = "committee" | PersonRole;

/** What stands above each page of a member. Instants in ms since the epoch. */
export type PortalFrame = { did: string; domain: string; membership: Membership };

/** A domain with what was found, what is to be published, and its keys. */
export type PortalDomain = MemberDomain & {
  addedAt: number;
  records: DnsRecordToPublish[];
  keys: Rotation;
  /** What stands in the DNS now for each record; null: nobody asked for it. */
  diagnoses: Diagnosis[] | null;
};

export type DomainsView = PortalFrame & {
  domains: PortalDomain[];
  /** A domain that is to be added, and the record that proves it; null: none was named. */
  claim: { domain: string; proof: Diagnosis } | null;
};

/** What ends with a domain. */
export type RemovalView = PortalFrame & {
  name: string;
  narrowed: { id: string; name: string }[];
  revoked: { id: string; name: string }[];
  /** Recipients whose mail waits for it; null: not known here. */
  waiting: number | null;
  /** Records in the member's repository that attest it. */
  attestations: string[];
  isLast: boolean;
};

export type CredentialsView = PortalFrame & { credentials: CredentialView[]; domains: string[] };

export type WebhooksView = PortalFrame & { receiver: WebhookView | null; messages: WebhookReceipt[] };

/** `asOf`: the real time, which tokens follow. */
export type TokensView = PortalFrame & { asOf: number; tokens: TokenView[] };

/** A token with what it says: the one time that it is seen. */
export type ShownToken = { secret: string; token: TokenView };

/** The very events that counted when a rule changed a standing. `isKept`: the message still has its page. */
export type ChangeEventsView = PortalFrame & {
  change: { id: number; at: number; from: Standing; to: Standing; rule: string };
  bounces: CountedEvent[];
  complaints: CountedEvent[];
};
export type CountedEvent = { message: string; at: number; domain: string; provider: string; isKept: boolean };

/** Tests of a day, the newest first. */
export type TestsView = PortalFrame & {
  domains: string[];
  tests: TestView[];
  passedAt: number | null;
};
export type TestView = Test & {
  waiting: { messageId: string; state: RecipientState; attempts: number; nextAt: number }[];
};

export type SettingsView = PortalFrame & {
  bounces: BounceChoice;
  replies: string | null;
  people: Person[];
};

export type CredentialWish = {
  name: string;
  domains: string[];
  streams: Stream[];
  hourly: number | null;
  daily: number | null;
};

export type Refused = { refused: string };
export type PortalResult = { done: true } | Refused;

/** What the pages of a member ask for and do. `by`: who, for the record. Null: there is no such member, or nothing to ask. */
export interface PortalPages {
  /** `claim`: a domain that somebody wants to add. `look`: one of its own, whose records are looked at now. */
  domains(
    did: string,
    asked: { claim?: string | undefined; look?: string | undefined },
  ): Promise<DomainsView | Refused | null>;
  addDomain(did: string, domain: string): Promise<PortalResult>;
  turnKeys(did: string, domain: string, how: "rotate" | "cancel" | "now"): Promise<PortalResult>;
  removal(did: string, domain: string): Promise<RemovalView | null>;
  removeDomain(did: string, domain: string, by: string): Promise<PortalResult>;
  credentials(did: string): Promise<CredentialsView | null>;
  makeCredential(did: string, wish: CredentialWish): Promise<{ credential: ShownCredential } | Refused>;
  revokeCredential(did: string, id: string, by: string): Promise<PortalResult>;
  webhooks(did: string): Promise<WebhooksView | Refused | null>;
  setWebhook(did: string, url: string, by: string): Promise<{ url: string; secret: string } | Refused>;
  removeWebhook(did: string, by: string): Promise<PortalResult>;
  /** Asks the receiver now. `status` of HTTP; null: no answer. */
  testWebhook(did: string): Promise<{ ok: boolean; status: number | null; why: string } | Refused>;
  tokens(did: string): Promise<TokensView | Refused | null>;
  makeToken(did: string, wish: NewToken, by: string): Promise<ShownToken | Refused>;
  revokeToken(did: string, id: string, by: string): Promise<PortalResult>;
  changeEvents(did: string, change: number): Promise<ChangeEventsView | null>;
  tests(did: string): Promise<TestsView | Refused | null>;
  /** `domain`: of its own, in whose name the pool sends it; null: the member sends it to the address that is made. */
  makeTest(did: string, domain: string | null, by: string): Promise<PortalResult>;
  settings(did: string): Promise<SettingsView | Refused | null>;
  chooseBounces(did: string, choice: BounceChoice): Promise<PortalResult>;
  chooseReplies(did: string, to: string | null): Promise<PortalResult>;
  putPerson(did: string, account: string, role: PersonRole, by: string): Promise<PortalResult>;
  removePerson(did: string, person: string): Promise<PortalResult>;
  appeal(did: string, change: number, words: string, by: string): Promise<PortalResult>;
  remedy(did: string, words: string): Promise<PortalResult>;
}

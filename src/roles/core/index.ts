import { createPeople, createTokens } from "../../account/index.ts";
import { createEgressNotices, EGRESS_TOPIC, type EgressNotice } from "../../egress/index.ts";
import { EVENTS_TOPIC, createEventLog, type ActionName, type Envelope } from "../../event/index.ts";
import { createEvidence } from "../../evidence/index.ts";
import { PUBLIC_STANDING_TOPIC, type PublicStanding } from "../../label/index.ts";
import { secureRandom } from "../../lib/ids.ts";
import { createLeaseStore } from "../../lease/index.ts";
import { createListeners } from "../../lib/listeners.ts";
import { createMembers, type MemberRow } from "../../member/index.ts";
import type { RuleEngineChoice } from "../../platform/config/index.ts";
import type { Database } from "../../platform/database.ts";
import type { SealingKey } from "../../platform/seal.ts";
import type { SigningKey } from "../../platform/sign.ts";
import {
  closeSnapshot,
  createPolicyPublisher,
  type CredentialPolicy,
  type MemberPolicy,
  type Standing,
} from "../../policy/index.ts";
import { CREDENTIAL_USED_TOPIC } from "../../relay/index.ts";
import { createNotices } from "../../notice/index.ts";
import { createTestMail } from "../../test-mail/index.ts";
import { createTiming } from "../../timing/index.ts";
import { createWebhooks, type WebhookOptions } from "../../webhook/index.ts";
import { createVerdictLog, type RulesEngine } from "../../rules/index.ts";
import {
  createCases,
  createPauses,
  createStandings,
  labelsFor,
  type PersonsDecision,
} from "../../standing/index.ts";
import { createSuppressionDesk } from "../suppression-desk.ts";
import { QUEUE_COMMAND_TOPIC, type QueueCommand } from "../queue-commands.ts";
import { createAdmission } from "./admission.ts";
import { createCaseDesk } from "./case-desk.ts";
import { createConsequences } from "./consequences.ts";
import { noteCredentialUse } from "./credential-use.ts";
import { createDigest, shadowed } from "./digest.ts";
import { createDomainDesk } from "./domain-desk.ts";
import { createIncidentDesk } from "./incident-desk.ts";
import type { CoreParts } from "./parts.ts";
import { followLimits } from "./limit-desk.ts";
import { createMemberNews } from "./member-news.ts";
import { createOspreyDesk } from "./osprey-desk.ts";
import { createPauseDesk } from "./pause-desk.ts";
import { createPipeline } from "./pipeline.ts";
import { createPoolDesk } from "./pool-desk.ts";
import { createReportDesk } from "./report-desk.ts";
import { createRetention, RETENTION_EVERY_MS } from "./retention.ts";
import { watchCodes } from "./slow-codes.ts";
import { createTeller } from "./teller.ts";
import type { RoleParts } from "../role-parts.ts";

export { coreMigrations } from "./migrations.ts";

export type CoreOptions = RoleParts & {
  db: Database;
  rules: RulesEngine;
  sealTo: SealingKey;
  /** Tells a relay node in this process at once; default: it hears by the bus. */
  tellHere?: ((policies: readonly MemberPolicy[]) => Promise<void>) | undefined;
  /** Whose verdicts count; default: the evaluator's in this process. */
  ruleEngine?: RuleEngineChoice | undefined;
  /** Of this program. */
  version: string;
  /** Signs what nodes at other hosts are told; absent: there are none. */
  signWith?: SigningKey | undefined;
  /** DID that writes notes. */
  authority: string;
  publicUrl: string;
  /** Of the pool. */
  domain: string;
  returnPathHost: string;
  spfInclude: string;
  /** How members' own receivers are reached. */
  webhooks: Pick<WebhookOptions, "post" | "key" | "allowPrivate">;
  /** Whom the committee's digest is written to. */
  committeeMail: string | undefined;
  /** Rules that gave no answer, a sentence each. */
  ruleFailures?: () => string[];
  /** Addresses from which the pool's mail leaves, to know it in reports. */
  egress: readonly string[];
};

export type Core = ReturnType<typeof createCore>;

/** The role that knows the members, weighs what happens to their mail, and tells the relay nodes and the labeler. */
export function createCore(options: CoreOptions) {
  const { db, bus, clock, returnPathHost, scheduler, sealTo, signWith } = options;
  const members = createMembers({
    db,
    clock,
    random: secureRandom,
    sealTo,
    returnPathHost,
    spfInclude: options.spfInclude,
  });
  const people = createPeople(db);
  const tokens = createTokens(db);
  const events = createEventLog(db);
  const evidence = createEvidence(db);
  if (evidence.isOutdated())
    evidence.rebuild(events, (seq) => options.log.info({ seq }, "evidence is counted anew from the log"));
  const leases = createLeaseStore(db);
  const timing = createTiming(db);
  const tests = createTestMail(db);
  const verdicts = createVerdictLog(db);
  const standings = createStandings({ db, clock, authority: options.authority });
  const pauses = createPauses(db);
  const cases = createCases(db);
  const notices = createNotices({ db, clock, random: secureRandom });
  const webhooks = createWebhooks({ ...options, ...options.webhooks, random: secureRandom });
  const news = createMemberNews({
    ...options,
    members,
    standings,
    notices,
    webhooks,
    writeTo: `postmaster@${options.domain}`,
  });
  const publisher = createPolicyPublisher(
    db,
    bus,
    clock,
    signWith && ((policy) => closeSnapshot(policy, { sealTo, signWith })),
    options.tellHere,
  );
  const suppressions = createSuppressionDesk(options);
  /** Nothing comes back by time while nobody can see how it goes. */
  const isMember = (did: string) => members.get(did)?.membership === "member";
  const pipeline = createPipeline({
    ...options,
    members,
    events,
    evidence,
    verdicts,
    standings: { ...standings, withWayBack: () => standings.withWayBack().filter(isMember) },
    now: () => clock.now(),
    follow: (judged) => consequences.follow(judged),
    changed(change) {
      caseDesk.changed(change);
      news.standingChanged(change);
    },
    tell: (dids) => teller.tell(dids),
    osprey: () => osprey,
  });

  function policyOf(did: string): Omit<MemberPolicy, "version"> | undefined {
    const member = members.get(did);
    if (!member) return undefined;
    const { standing } = standings.state(did);
    const rights = members.sendingRights(did);
    return {
      did,
      handle: member.handle,
      membership: member.membership,
      standing,
      tier: member.tier,
      joinedAt: member.joined_at,
      ...pauses.stateOf(did, null),
      reason: reasonOf(member, standing),
      ...rights,
      credentials: rights.credentials.map((credential) => withPauses(credential, did)),
    };
  }

  function withPauses(credential: CredentialPolicy, did: string): CredentialPolicy {
    const { paused, resumedUpTo } = pauses.stateOf(did, credential.id);
    const upTo = Math.max(credential.resumedUpTo ?? -Infinity, resumedUpTo ?? -Infinity);
    return {
      ...credential,
      ...((paused ?? credential.paused) && { paused: true }),
      ...(upTo > -Infinity && { resumedUpTo: upTo }),
    };
  }

  /** Why mail is refused or throttled, for SMTP replies. */
  function reasonOf({ did, membership }: MemberRow, standing: Standing): MemberPolicy["reason"] {
    const url = `${options.publicUrl}/members/${did}`;
    if (membership === "applicant") return { text: "Your application waits for a decision.", url };
    if (membership === "left") return { text: "This membership has ended.", url };
    const latest = standing === "good" ? undefined : standings.changesOf(did, 1)[0];
    return latest ? { text: latest.description, url } : null;
  }

  function publicStandingOf(did: string): PublicStanding {
    const member = members.get(did);
    const { standing } = standings.state(did);
    const clean = (standings.cleanUntil(did) ?? 0) > clock.now();
    // Whom no person has approved yet is like anybody else outside.
    if (!member || member.approved_at === null)
      return { did, member: false, cleanSender: false, ended: false };
    if (member.membership === "applicant") return labelsFor(did, "left", false);
    return labelsFor(did, member.membership === "member" ? standing : "left", clean);
  }

  const changes = createListeners();

  async function tell(dids: readonly string[]): Promise<void> {
    const policies = dids.map(policyOf).filter((policy) => policy !== undefined);
    changes.tell(dids);
    await publisher.publish(policies);
    await bus.publish(
      PUBLIC_STANDING_TOPIC,
      policies.map(({ did }) => ({ key: did, value: publicStandingOf(did) })),
    );
    for (const { id, command } of pauses.untold()) {
      await bus.publish(
        QUEUE_COMMAND_TOPIC,
        (command as QueueCommand[]).map((value) => ({ key: value.did, value })),
      );
      pauses.told(id);
    }
    await news.tell();
  }

  const teller = createTeller(tell, options.log);
  const parts: CoreParts = {
    ...options,
    members,
    people,
    tokens,
    standings,
    pauses,
    cases,
    news,
    webhooks,
    events,
    pipeline,
    tell: (dids) => teller.tell(dids),
  };
  const pauseDesk = createPauseDesk(parts);
  const domainDesk = createDomainDesk({ ...options, ...parts });
  const caseDesk = createCaseDesk(parts, pauseDesk);
  const consequences = createConsequences(parts, { pauses: pauseDesk, domains: domainDesk });
  const incidents = createIncidentDesk({ ...options, ...parts, evidence, suppressions });
  const digest = createDigest({
    ...options,
    ...parts,
    notices,
    ofRules: (since) => [...shadowed(verdicts, since), ...(options.ruleFailures?.() ?? [])],
    incidents: incidents.since,
  });

  function sendDigest(): void {
    if (digest.send()) teller.tell([options.authority]);
  }

  const reports = createReportDesk({ ...options, ...parts });
  members.onChange((did) => {
    standings.begin(did);
    teller.tell([did]);
  });

  /** What others of core write of an event before rules see it, once, in the transaction of the pipeline. */
  const alongside: Partial<Record<ActionName, (event: Envelope) => void>> = {
    member_paused: pauseDesk.record,
    recipient_bounced: suppressions.record,
    recipient_delivered: suppressions.record,
    complaint_received: suppressions.record,
    recipient_unsubscribed: suppressions.record,
    domain_checked: domainDesk.followCheck,
    notice_concluded: news.concluded,
    test_arrived: tests.record,
    first_contacts_slowed(event) {
      news.slowed(event);
      teller.tell([event.data.data.member.did]);
    },
  };
  function before(event: Envelope): void {
    timing.record(event);
    alongside[event.data.action_name]?.(event);
  }
  const { ruleEngine = "embedded" } = options;
  const osprey =
    ruleEngine === "embedded"
      ? undefined
      : createOspreyDesk({
          ...options,
          engine: ruleEngine,
          conclude: pipeline.judged,
          async changed(did) {
            changes.tell([did]);
            await suppressions.tell();
            await teller.told();
          },
          now: () => clock.now(),
        });
  const limits = signWith && followLimits({ ...options, leases, policyOf });
  const pool = signWith && createPoolDesk({ ...options, signWith });
  const subscription = bus.subscribe<Envelope>(EVENTS_TOPIC, "core", async (batch, handled) => {
    const events = batch.map((message) => message.value);
    pipeline.takeAll(events, before, handled);
    changes.tell(events.map(({ data }) => data.data.member.did));
    events.filter(({ data }) => data.action_name === "domain_checked").forEach(domainDesk.lookUp);
    await suppressions.tell();
    await teller.told();
  });
  const credentialUsed = (value: unknown) => noteCredentialUse(parts, value);
  const uses = bus.subscribe(CREDENTIAL_USED_TOPIC, "core", async (batch, handled) =>
    db.transaction(() => {
      for (const { value } of batch) credentialUsed(value);
      handled();
    }),
  );
  const egressNotices = createEgressNotices(db);
  const addresses = bus.subscribe<EgressNotice>(EGRESS_TOPIC, "core", async (batch, handled) =>
    db.transaction(() => {
      for (const { value } of batch) egressNotices.add(value);
      handled();
    }),
  );
  scheduler.every({
    name: "keys that turn",
    everyMs: 600_000,
    run: async () => domainDesk.followTurning(),
  });
  scheduler.every({
    name: "review of standings",
    everyMs: 3_600_000,
    async run() {
      pipeline.review();
      caseDesk.review();
    },
  });
  scheduler.every({ name: "incidents of providers undone", everyMs: 60_000, run: () => incidents.follow() });
  scheduler.every({ name: "digest for the committee", everyMs: 600_000, run: async () => sendDigest() });
  const retention = createRetention({ ...parts, evidence, verdicts, notices, timing, tests });
  scheduler.every({ name: "what is old forgotten", everyMs: RETENTION_EVERY_MS, run: retention.run });
  scheduler.every({
    name: "suppressions pruned, and told",
    everyMs: 3_600_000,
    async run() {
      suppressions.prune();
      await suppressions.tell();
    },
  });
  scheduler.every({
    name: "members' receivers told",
    everyMs: 5_000,
    run: (signal) => webhooks.deliverDue(signal),
  });
  watchCodes({ ...options, timing, news });
  scheduler.every({
    name: "policies told again",
    everyMs: 6 * 3_600_000,
    run: async () => teller.tell(members.list().map((member) => member.did)),
  });

  return {
    members,
    /** Hears that something of a member changed, when it is on disk. */
    listen: changes.listen,
    /** Who acts for which member. */
    people,
    /** With what programs call in a member's name. */
    tokens,
    events,
    evidence,
    /** How long mail takes. */
    timing,
    /** Test mails. */
    tests,
    verdicts,
    standings,
    pauses,
    notices,
    webhooks,
    egressNotices,
    /** Addresses to which nothing is sent. */
    suppressions,
    /** What others report of members' domains. */
    reports,
    /** Coming and going of members. */
    admission: createAdmission({ ...parts, bus, notices, timing, tests, leases }, caseDesk),
    pauseDesk,
    /** Osprey's workers; undefined: they are not asked. */
    osprey,
    /** The relay nodes; undefined on a single host. */
    pool,
    /** What only a person decides. */
    cases: caseDesk,
    /** What the committee is written once a day. */
    digest,
    incidents,
    /** A relay node says that somebody logged in. */
    credentialUsed,
    /** Looks at the DNS now; the next pair signs at once when it is there. */
    hurryRotation: domainDesk.hurryRotation,
    removeDomain: domainDesk.remove,
    /** What was decided here is with relay nodes and labeler. */
    told: () => teller.told(),
    policyOf,
    publicStandingOf,
    /** A person's decision about a member, told to relay nodes and labeler. Who is ejected loses its credentials for good. */
    async decide(did: string, to: Standing, decision: PersonsDecision) {
      const change = db.transaction(() => {
        const decided = standings.decide(did, to, decision);
        if (to === "ejected") {
          for (const { id } of members.credentialsOf(did)) members.revokeCredential(did, id, decision.by);
        }
        pipeline.conclude(decided);
        return decided;
      });
      await teller.told();
      return change;
    },
    async settle() {
      await domainDesk.idle();
      await teller.told();
    },
    async close() {
      await Promise.all([
        subscription.close(),
        uses.close(),
        addresses.close(),
        reports.close(),
        pool?.close(),
        limits?.close(),
        osprey?.close(),
      ]);
      await suppressions.close();
      await teller.close();
      await domainDesk.idle();
    },
  };
}

import type { Habits } from "../breaker/index.ts";
import type { EventMaker } from "../event/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { MemberPolicy, PolicyBook } from "../policy/index.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import type { Shaping } from "../shaping/index.ts";
import type { MessageView, RecipientView, QueueRequest, QueueResult, Spool } from "../spool/index.ts";
import type {
  DeliveryConfig,
  RelayContext,
  RelayIdentity,
  SubmissionConfig,
  IsTestOf,
  SuppressionCheck,
  ForwardFailure,
  UnsubscribeUrl,
} from "./context.ts";
import type { NoticeWish } from "../notice/index.ts";
import type { Forwarded, ForwardWish } from "../feedback/index.ts";
import type { TlsObservation, Transport } from "../transport/index.ts";
import { createBreaker } from "./breaker.ts";
import type { Aftermath } from "./delivery/aftermath.ts";
import { createDelivery } from "./delivery/index.ts";
import type { Notice } from "./delivery/notice.ts";
import { createForwarder } from "./forward.ts";
import { createNotifier, type Notified } from "./notice.ts";
import { createTester, type TestWish } from "./test.ts";
import { createReporter, type ReportMailWish } from "./report.ts";
import { createSigner } from "./signing/index.ts";
import { createLateSigner } from "./signing/late.ts";
import { createSubmissionServer, type ListeningOn } from "./submission/index.ts";
import { createAuthenticator, type Login, type Who } from "./submission/login.ts";
import type { Refusal } from "./submission/refusal.ts";
import { DEFAULTS } from "./submission/session.ts";
import { createSubmission } from "./submission/submission.ts";
import { createSubmit, type SubmitInput, type SubmitResult } from "./submission/submit.ts";
import type { CredentialUse } from "./submission/use.ts";

export type RelayOptions = {
  identity: RelayIdentity;
  submission: SubmissionConfig;
  delivery: DeliveryConfig;
  spool: Spool;
  policyBook: PolicyBook;
  /** What members' mail is like, for the breaker; whoever opened it closes it. */
  habits: Habits;
  resolver: Resolver;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
  event: EventMaker;
  /** Opens a member's DKIM key: PKCS#8 PEM. */
  open: (sealed: string) => Promise<string>;
  /** How mail of a domain must travel; whoever opened it closes it. */
  transport: Transport;
  /** Providers, how much they bear, and what their replies mean; whoever opened it closes it. */
  shaping: Shaping;
  /** Told of each TLS session that was tried; default: nobody is. */
  observed?: (observation: TlsObservation) => void;
  /** Told of log-ins; default: nobody is. */
  used?: (use: CredentialUse) => void;
  /** Default: nobody is suppressed. */
  suppressed?: SuppressionCheck;
  /** Default: no address is. */
  isTestOf?: IsTestOf;
  /** Default: bulk mail leaves as it came. */
  unsubscribeUrl?: UnsubscribeUrl;
  random?: () => number;
};

export interface Relay {
  /** Resolves with what is listened on; when one address is taken it rejects, and nothing runs. */
  start(): Promise<ListeningOn>;
  /** Whose secret it is, and whether it may be used: the log-in of SMTP and of the HTTP API. */
  authenticate(login: Login): Who | Refusal;
  /** Takes a message in as SMTP does: each recipient is judged for itself, and the rest goes. */
  submit(input: SubmitInput): Promise<SubmitResult>;
  /** Certificates were renewed. */
  setTls(tls: SubmissionConfig["tls"]): void;
  /** Something is in the spool that did not come by submission: look now. */
  wake(): void;
  /** Gives back held mail that is five days old, and all that of members who were ejected; to be called now and then. */
  returnHeld(): Promise<void>;
  /** The provider of a recipient's domain, as far as it is known without asking: by its name or an earlier delivery. */
  providerOf(domain: string): string | undefined;
  /** Signs what could not be signed when it came, and lets it go; to be called now and then. */
  signHeld(): Promise<void>;
  /** What follows from a report about a delivered recipient: for the breaker, and the notice to the member. */
  aftermath(message: MessageView, recipient: RecipientView, what: Aftermath): Promise<Notice | undefined>;
  /** Takes the pool's own mail to a member in, once for each id; rejects when the spool takes nothing. */
  notify(wish: NoticeWish): Promise<Notified>;
  /** Takes a TLS report in as mail, once for each id; false: it is for no mail address. Rejects when the spool takes nothing. */
  report(wish: ReportMailWish): Promise<boolean>;
  /** Sends a test in the name of a member's domain; undefined: it is not one of the member's. Rejects when the spool takes nothing. */
  sendTest(wish: TestWish): Promise<{ message: string } | undefined>;
  /** Sends a stranger's mail on to one address, once for each id. Rejects when the spool takes nothing. */
  forward(wish: ForwardWish & { address: string }): Promise<Forwarded>;
  /** Hears of mail that could not be sent on; who hears last hears alone. */
  onForwardFailed(listener: (failure: ForwardFailure) => void): void;
  /** Gives back what waits in the spool and matches, as a person wants it; the members get a notice. */
  bounce(request: QueueRequest): Promise<QueueResult>;
  /** Resolves when nothing is under way and nothing is due. */
  settle(): Promise<void>;
  /**
   * Takes nothing more, lets conversations finish for `graceMs`, then ends them; what was not finished stays leased,
   * and the next start takes it up. The spool stays open: whoever made it closes it.
   */
  close(graceMs?: number): Promise<void>;
}

/** A relay node: takes members' mail in, signs it, keeps it, and delivers it as their policies allow. */
export function createRelay(options: RelayOptions): Relay {
  const { identity, spool, policyBook, clock, log } = options;
  const breaker = createBreaker({ ...options, recipientKey: identity.recipientKey });
  const context: RelayContext = {
    ...options,
    signer: createSigner({ open: options.open, poolKeys: identity.poolKeys }),
    suppressed: options.suppressed ?? (() => undefined),
    isTestOf: options.isTestOf ?? (() => false),
    breaker,
    observed: (observation) => {
      try {
        options.observed?.(observation);
      } catch (err) {
        log.error({ err }, "a TLS session was not counted");
      }
    },
    random: options.random ?? Math.random,
    accepted: () => delivery.wake(),
    used: options.used ?? (() => undefined),
    forwardFailed(failure) {
      const { did, domain, status } = failure;
      log.warn({ member: did, domain, status }, "mail could not be sent on");
      forwardFailed?.(failure);
    },
  };
  const authenticate = createAuthenticator(context);
  const door = createSubmission(context, { ...DEFAULTS, ...options.submission });
  const submission = createSubmissionServer(context, options.submission, { authenticate, submission: door });
  const delivery = createDelivery(context, options.delivery);
  const signLate = createLateSigner(context);
  let forget: (() => void)[] = [];
  let forwardFailed: ((failure: ForwardFailure) => void) | undefined;
  const applying = new Set<Promise<void>>();

  async function applyHolds(policy: MemberPolicy): Promise<void> {
    delivery.policyChanged(policy.did);
    await spool.setHolds(policy, clock.now());
    await signLate();
    if (policy.standing === "ejected") await delivery.returnHeld();
    delivery.wake();
  }

  function policyChanged(policy: MemberPolicy): void {
    const work = applyHolds(policy)
      .catch((err: unknown) => log.error({ err, member: policy.did }, "holds were not applied"))
      .finally(() => applying.delete(work));
    applying.add(work);
  }

  return {
    async start() {
      forget = [policyBook.onChange(policyChanged), breaker.watch()];
      try {
        for (const policy of policyBook.all()) await spool.setHolds(policy, clock.now());
        const listening = await submission.start();
        delivery.start();
        return listening;
      } catch (error) {
        for (const stop of forget) stop();
        throw error;
      }
    },
    authenticate,
    submit: createSubmit(door),
    setTls: (tls) => submission.setTls(tls),
    wake: () => delivery.wake(),
    returnHeld: () => delivery.returnHeld(),
    providerOf: (domain) => delivery.providerOf(domain),
    async signHeld() {
      if ((await signLate()) > 0) delivery.wake();
    },
    aftermath: delivery.aftermath,
    notify: createNotifier(context),
    report: createReporter(context),
    sendTest: createTester(context),
    forward: createForwarder(context),
    onForwardFailed: (listener) => void (forwardFailed = listener),
    bounce: (request) => delivery.bounce(request),
    async settle() {
      await Promise.all(applying);
      await delivery.settle();
    },
    async close(graceMs = 10_000) {
      await Promise.all([submission.close(graceMs), delivery.close(graceMs)]);
      for (const stop of forget) stop();
    },
  };
}

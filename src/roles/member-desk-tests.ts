import { secureRandom } from "../lib/ids.ts";
import type { QueueEntry } from "../spool/index.ts";
import { MOST_TESTS, type Test } from "../test-mail/index.ts";
import { presentOf, wordsFor, type DeskParts, type DeskRefusal } from "./member-desk-parts.ts";

/** A test, and where it is while it has not arrived: what the queue has of it, the newest first. */
export type DeskTest = Test & { waiting: Pick<QueueEntry, "messageId" | "state" | "attempts" | "nextAt">[] };
export type DeskTests = {
  tests: DeskTest[];
  /** When one first arrived through the pool with nothing wrong; null: none has yet. */
  passedAt: number | null;
};

const NO_RELAY: DeskRefusal = {
  error: "NoRelay",
  message: "Test mails are made where the pool sends from; this server does not. Ask whoever runs it.",
};

/** How a member tries whether its mail arrives, and as what. An applicant may. */
export function testDesk({
  core,
  tests: sender,
  spool,
  clock,
}: Pick<DeskParts, "core" | "tests" | "spool" | "clock">) {
  async function withWaiting(test: Test): Promise<DeskTest> {
    if (test.arrivals.length > 0 || !spool) return { ...test, waiting: [] };
    const { entries } = await spool.list({ recipient: test.address }, { limit: 5 });
    const waiting = entries.map(({ messageId, state, attempts, nextAt }) => ({
      messageId,
      state,
      attempts,
      nextAt,
    }));
    return { ...test, waiting };
  }

  /** An address to which the member sends a test. */
  function make(did: string, by: string): Test | DeskRefusal {
    const member = presentOf({ core }, did);
    if ("error" in member) return member;
    if (!sender) return NO_RELAY;
    const { key, domain } = sender;
    const made = core.tests.make(member, { by, key, domain }, { now: clock.now(), random: secureRandom });
    if (!("error" in made)) return made;
    const until = new Date(made.until).toISOString().slice(0, 16).replace("T", " ");
    return {
      error: "TooManyTests",
      message: `${MOST_TESTS} tests are the most of a day. The next one can be made at ${until} UTC.`,
    };
  }

  return {
    async of(did: string): Promise<DeskTests | DeskRefusal> {
      if (core.members.get(did) === undefined) return wordsFor({ error: "not-a-member", did });
      const tests = await Promise.all(core.tests.of(did).map(withWaiting));
      return { tests, passedAt: core.tests.passedAt(did) };
    },

    async one(did: string, id: string): Promise<DeskTest | DeskRefusal> {
      const test = core.tests.one(did, id);
      return test
        ? withWaiting(test)
        : { error: "NotFound", message: "There is no such test; they are forgotten after a day." };
    },

    make,

    /** The pool sends one in the name of a domain of the member. */
    async send(did: string, domain: string, by: string): Promise<Test | DeskRefusal> {
      if (!core.members.domainsOf(did).some(({ name }) => name === domain))
        return wordsFor({ error: "domain-not-held", domain });
      const made = make(did, by);
      if ("error" in made || !sender) return made;
      const sent = await sender.send({ did, fromDomain: domain, to: made.address });
      if (!sent)
        return {
          error: "NotYet",
          message: "The server that sends does not know this domain yet: try again in a minute.",
        };
      core.tests.sent(made.id, domain, sent.message);
      return { ...made, sent: { domain, message: sent.message } };
    },
  };
}

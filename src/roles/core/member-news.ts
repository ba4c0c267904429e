import { eventTime, type Envelope } from "../../event/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Members } from "../../member/index.ts";
import {
  NOTICE_TOPIC,
  caseLetter,
  codesInTimeLetter,
  codesSlowLetter,
  domainHeldLetter,
  domainReleasedLetter,
  pausedLetter,
  resumedLetter,
  slowedLetter,
  standingLetter,
  type Letter,
  type Notices,
} from "../../notice/index.ts";
import type { Bus } from "../../platform/bus/index.ts";
import { limitsOf, STANDINGS } from "../../policy/index.ts";
import {
  caseTitle,
  pauseWords,
  titleOf,
  type Case,
  type Ending,
  type Pause,
  type StandingChange,
  type Standings,
} from "../../standing/index.ts";
import type { SlowTime } from "../../timing/index.ts";
import type { Webhooks } from "../../webhook/index.ts";

export type MemberNews = ReturnType<typeof createMemberNews>;

export type MemberNewsParts = {
  members: Members;
  standings: Standings;
  notices: Notices;
  webhooks: Webhooks;
  bus: Bus;
  clock: Clock;
  publicUrl: string;
  /** Whom members write to. */
  writeTo: string;
};

/** One fact that a member is told. */
type News = {
  /** Once for each: `pause:7:paused`. */
  about: string;
  did: string;
  /** Part of the member's page. */
  anchor: string;
  /** Another page of the member, such as `delivery`. */
  part?: string;
  byStrangers?: boolean;
  isBetter?: boolean;
  /** For its webhook. */
  type: string;
  data: Record<string, unknown>;
};

/** What every letter is given. */
type Frame = { did: string; page: string; writeTo: string; at: number; last: boolean };

/**
 * What members are told of what happens to their sending: by mail to the contact that they gave when they applied, and
 * at the receiver that they named. Called in the transaction of the fact, so it is told once, and never lost.
 */
export function createMemberNews(parts: MemberNewsParts) {
  const { members, standings, notices, webhooks, bus, publicUrl, writeTo } = parts;

  /** As the newest application says that says one, and was not declined. */
  function contactOf(did: string): string {
    const said = members.applications.of(did).find((one) => one.contact !== "" && one.state !== "declined");
    return said?.contact ?? "";
  }

  function tell(news: News, write: (frame: Frame) => Letter): void {
    const { about, did, anchor, part, byStrangers = false, isBetter = false, type, data } = news;
    if (members.get(did)?.membership !== "member") return;
    const page = `${publicUrl}/members/${did}${part === undefined ? "" : `/${part}`}#${anchor}`;
    notices.wish({ did, about, contact: contactOf(did), byStrangers, isBetter }, (last) =>
      write({ did, page, writeTo, at: parts.clock.now(), last }),
    );
    webhooks.wish(did, { about, type, data: { ...data, page } });
  }

  const named = (credential: string | null) =>
    credential === null ? null : { id: credential, name: members.credential(credential)?.name ?? credential };

  return {
    paused(pause: Pause): void {
      const { id, cause, facts, by, reason, did } = pause;
      const credential = named(pause.credential);
      const tier = members.get(did)?.tier ?? "new";
      const why = pauseWords(cause).title;
      const data = { credential, cause, why, facts, by, reason, at: iso(pause.at) };
      tell(
        { about: `pause:${id}:paused`, did, anchor: `pause-${id}`, type: "sending.paused", data },
        (letter) =>
          pausedLetter({
            ...letter,
            credential,
            at: pause.at,
            cause,
            why,
            facts,
            person: by === null ? null : { by, reason },
            heldMost: 2 * limitsOf({ tier, standing: standings.state(did).standing }).hour.limit,
          }),
      );
    },

    /** Somebody else than the member ended it. */
    resumed(
      pause: Pause,
      ended: { by: string; reason: string; how: Ending; mail: "release" | "drop"; replaced: boolean },
    ): void {
      const { id, did } = pause;
      const credential = named(pause.credential);
      const data = { credential, ...ended };
      tell(
        {
          about: `pause:${id}:resumed`,
          isBetter: true,
          did,
          anchor: `pause-${id}`,
          type: "sending.resumed",
          data,
        },
        (letter) => resumedLetter({ ...letter, credential, ...ended }),
      );
    },

    /** Told by a relay node; told twice it is one note, and one mail. */
    slowed(envelope: Envelope): void {
      const { member, credential: id, detail = {}, dedupe_key: about } = envelope.data.data;
      const { did } = member;
      if (id === undefined || members.credential(id)?.did !== did) return;
      const at = eventTime(envelope);
      const [hard, among, hourly] = ["hard", "among", "hourly"].map((name) => Number(detail[name] ?? 0));
      const numbers = { hard: hard!, among: among!, hourly: hourly! };
      standings.notes.put(did, {
        rkey: about.replaceAll(":", "-"),
        at,
        kind: "notice",
        title: "New addresses do not exist: people you write to for the first time are written to slowly",
        body: `${numbers.hard} of the last ${numbers.among} did not exist, so ${numbers.hourly} leave in an hour; the rest is told to try again. Everybody else is written to as ever, and it ends by itself. If somebody types such addresses into your sign-up form, it needs a captcha or a limit; if your server did not send this, revoke the credential.`,
      });
      const credential = named(id);
      const data = { credential, ...numbers, at: iso(at) };
      tell(
        { about, did, anchor: "credentials", byStrangers: true, type: "first-contacts.slowed", data },
        (letter) => slowedLetter({ ...letter, credential, at, ...numbers }),
      );
    },

    /** With the evidence, the remedy and the date. */
    standingChanged(change: StandingChange): void {
      const { id, did, from, to, cause, rule, by, description, evidence, remedy, wayBack, at } = change;
      const title = titleOf(change);
      const data = {
        change: id,
        from,
        to,
        at: iso(at),
        cause,
        title,
        rule,
        by,
        description,
        evidence,
        remedy,
        wayBack: { text: wayBack.text, at: wayBack.at === null ? null : iso(wayBack.at) },
      };
      const isBetter = STANDINGS.indexOf(to) < STANDINGS.indexOf(from);
      tell(
        { about: `standing:${id}`, isBetter, did, anchor: "changes", type: "standing.changed", data },
        (letter) =>
          standingLetter({ ...letter, at, from, to, title, description, remedy, wayBack, by, change: id }),
      );
    },

    /** Mail of a domain waits; `since` tells one time from another. */
    domainHeld(did: string, held: { domain: string; since: number; found: string; record: string }): void {
      const { domain, since, found, record } = held;
      const about = `domain:${domain}:${since}:held`;
      tell(
        { about, did, anchor: "domains", type: "domain.held", data: { ...held, since: iso(since) } },
        (letter) => domainHeldLetter({ ...letter, at: since, domain, found, record }),
      );
    },

    domainReleased(did: string, { domain, since }: { domain: string; since: number }): void {
      const about = `domain:${domain}:${since}:released`;
      tell(
        { about, isBetter: true, did, anchor: "domains", type: "domain.released", data: { domain } },
        (letter) => domainReleasedLetter({ ...letter, domain }),
      );
    },

    /** Login codes are late somewhere, or are no more. */
    codes({ id, did, provider, since, until, last }: SlowTime & { did: string }): void {
      const data = { provider, since: iso(since), until: until === null ? null : iso(until), ...last };
      const [anchor, part] = ["codes", "delivery"];
      if (until === null)
        tell(
          { about: `codes:${id}:slow`, did, anchor, part, byStrangers: true, type: "codes.slow", data },
          (letter) => codesSlowLetter({ ...letter, provider, ...last }),
        );
      else
        tell(
          { about: `codes:${id}:over`, isBetter: true, did, anchor, part, type: "codes.in-time", data },
          (letter) => codesInTimeLetter({ ...letter, provider, ...last, since }),
        );
    },

    /** Something that a note says, and no mail. */
    noted(did: string, { about, type, data }: Pick<News, "about" | "type" | "data">): void {
      if (members.get(did)?.membership === "member")
        webhooks.wish(did, { about, type, data: { ...data, page: `${publicUrl}/members/${did}` } });
    },

    /** A person has decided a case; a change of standing that follows is told by itself. */
    caseDecided(one: Case): void {
      const { id, did, kind, decision } = one;
      if (!decision) return;
      const { verdict, to, reason, by, at } = decision;
      const wayBack = standings.changesOf(did, 1)[0]?.wayBack.at ?? null;
      const again = kind === "suspended" && verdict === "uphold" ? wayBack : null;
      const data = { case: id, kind, verdict, to, reason, by, at: iso(at), again: again && iso(again) };
      // What becomes worse by it is told by itself.
      tell(
        { about: `case:${id}:decided`, isBetter: true, did, anchor: "changes", type: "case.decided", data },
        (letter) => caseLetter({ ...letter, id, title: caseTitle(kind), verdict, reason, by, again }),
      );
    },

    /** A relay node says what came of a mail. */
    concluded(envelope: Envelope): void {
      const { notice, outcome, reply } = envelope.data.data.detail ?? {};
      if (typeof notice !== "string" || (outcome !== "delivered" && outcome !== "failed")) return;
      notices.concluded(notice, outcome, eventTime(envelope), typeof reply === "string" ? reply : "");
    },

    /** Relay nodes and receivers are told; what fails here is told again. */
    async tell(): Promise<void> {
      for (const one of notices.untold()) {
        await bus.publish(NOTICE_TOPIC, [{ key: one.did, value: one }]);
        notices.told(one.id);
      }
    },
  };
}

const iso = (at: number) => new Date(at).toISOString();

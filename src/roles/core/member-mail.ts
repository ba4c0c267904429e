import { eventTime, type Envelope } from "../../event/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Members } from "../../member/index.ts";
import {
  NOTICE_TOPIC,
  pausedLetter,
  resumedLetter,
  slowedLetter,
  type LetterFacts,
  type Notices,
} from "../../notice/index.ts";
import type { Bus } from "../../platform/bus.ts";
import { limitsOf } from "../../policy/index.ts";
import { pauseWords, type Ending, type Pause, type Standings } from "../../standing/index.ts";

export type MemberMail = ReturnType<typeof createMemberMail>;

export type MemberMailParts = {
  members: Members;
  standings: Standings;
  notices: Notices;
  bus: Bus;
  clock: Clock;
  publicUrl: string;
  /** Whom members write to. */
  writeTo: string;
};

/** What members are told by mail of what happens to their sending: to the contact that they gave when they applied. */
export function createMemberMail(parts: MemberMailParts) {
  const { members, standings, notices, bus, publicUrl, writeTo } = parts;

  /** As the newest application says that says one, and was not declined. */
  function contactOf(did: string): string {
    const said = members.applications.of(did).find((one) => one.contact !== "" && one.state !== "declined");
    return said?.contact ?? "";
  }

  function wish(
    about: string,
    what: { did: string; credential: string | null; anchor: string; byStrangers?: boolean },
    write: (facts: LetterFacts) => { subject: string; text: string },
  ): void {
    const { did, credential, anchor, byStrangers = false } = what;
    if (members.get(did)?.membership !== "member") return;
    const name = credential === null ? "" : (members.credential(credential)?.name ?? credential);
    notices.wish({ did, about, contact: contactOf(did), byStrangers }, (last) =>
      write({
        did,
        page: `${publicUrl}/members/${did}#${anchor}`,
        writeTo,
        credential: credential === null ? null : { id: credential, name },
        at: parts.clock.now(),
        last,
      }),
    );
  }

  return {
    paused(pause: Pause): void {
      const { cause, facts, by, reason, did } = pause;
      const tier = members.get(did)?.tier ?? "new";
      wish(`pause:${pause.id}:paused`, ofPause(pause), (letter) =>
        pausedLetter({
          ...letter,
          at: pause.at,
          cause,
          why: pauseWords(cause).title,
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
      wish(`pause:${pause.id}:resumed`, ofPause(pause), (letter) => resumedLetter({ ...letter, ...ended }));
    },

    /** Told by a relay node; told twice it is one note, and one mail. */
    slowed(envelope: Envelope): void {
      const { member, credential, detail = {}, dedupe_key: about } = envelope.data.data;
      const { did } = member;
      if (credential === undefined || members.credential(credential)?.did !== did) return;
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
      wish(about, { did, credential, anchor: "credentials", byStrangers: true }, (letter) =>
        slowedLetter({ ...letter, at, ...numbers }),
      );
    },

    /** A relay node says what came of a mail. */
    concluded(envelope: Envelope): void {
      const { notice, outcome, reply } = envelope.data.data.detail ?? {};
      if (typeof notice !== "string" || (outcome !== "delivered" && outcome !== "failed")) return;
      notices.concluded(notice, outcome, eventTime(envelope), typeof reply === "string" ? reply : "");
    },

    /** Relay nodes are told; what fails here is told again. */
    async tell(): Promise<void> {
      for (const one of notices.untold()) {
        await bus.publish(NOTICE_TOPIC, [{ key: one.did, value: one }]);
        notices.told(one.id);
      }
    },
  };
}

const ofPause = ({ id, did, credential }: Pause) => ({ did, credential, anchor: `pause-${id}` });

import type * as limitsLexicon from "../../protocol/lexicon/community/email/getLimits.ts";
import type * as standingLexicon from "../../protocol/lexicon/community/email/getStanding.ts";
import type { LimitsView, StandingView } from "../queries/member.ts";
import { datetime } from "../xrpc-view.ts";
import { asDid, asUri, present, time } from "./view-parts.ts";

export function standingBody(view: StandingView): standingLexicon.$OutputBody {
  const { bounce, complaints } = view;
  return present({
    did: asDid(view.did),
    membership: view.membership,
    joinedAt: datetime(view.joinedAt),
    standing: view.standing,
    since: datetime(view.standingSince),
    tier: view.tier,
    nextTier: view.nextTier,
    bounces: bounce && { eligible: bounce.eligible, hard: bounce.hard },
    complaints: complaints && { eligible: complaints.eligible, complaints: complaints.complaints },
    pauses: view.pauses.map(pauseBody),
    changes: view.changes.map(changeBody),
    isRemedyAsked: view.remedyAsked,
    notes: view.notes.map(({ id, at, text }) => ({ id, at: datetime(at), text })),
    labels: view.labels.map(({ value, uri, issuedAt, expiresAt }) =>
      present({ value, uri: asUri(uri), issuedAt: datetime(issuedAt), expiresAt: time(expiresAt) }),
    ),
  }) satisfies standingLexicon.$OutputBody;
}

function pauseBody(pause: StandingView["pauses"][number]): standingLexicon.Pause {
  const { id, title, remedy, reason, at, credential, by, end, held } = pause;
  const isOpen = end === null;
  return present({
    id,
    title,
    remedy,
    reason,
    at: datetime(at),
    credential,
    isOpen,
    isAnswerable: isOpen && by === null,
    endedAt: time(end?.at ?? null),
    held,
  });
}

function changeBody(change: StandingView["changes"][number]): standingLexicon.Change {
  const { from, to, cause, rule, decidedBy, by, remedy, wayBack, appeal } = change;
  return present({
    id: Number(change.id),
    at: datetime(change.at),
    from,
    to,
    cause,
    rule: rule?.name ?? null,
    decidedBy,
    by,
    remedy,
    wayBack: wayBack?.text ?? null,
    wayBackAt: time(wayBack?.at ?? null),
    appeal: appeal && appealBody(appeal),
  });
}

type Appeal = NonNullable<StandingView["changes"][number]["appeal"]>;

function appealBody(appeal: Appeal): standingLexicon.Appeal {
  const { state } = appeal;
  if (state === "open") return { state };
  if (state === "waits")
    return { state, case: appeal.case, dueAt: datetime(appeal.dueAt), words: appeal.words };
  return { state, case: appeal.case, decidedAt: datetime(appeal.at), by: appeal.by, reason: appeal.reason };
}

export function limitsBody({ tier, nextTier, limits, waitsAt }: LimitsView): limitsLexicon.$OutputBody {
  return present({
    tier,
    nextTier,
    limits: limits.map(({ window, used, limit, freeAt }) =>
      present({ window, used: Math.ceil(used), limit: Math.floor(limit), freeAt: time(freeAt) }),
    ),
    waitsAt: waitsAt.map(({ provider, providerName: name, until, why, advice, ofMember }) =>
      present({ provider, name, until: datetime(until), why, advice, ofMember }),
    ),
  }) satisfies limitsLexicon.$OutputBody;
}

import { eventTime, type Envelope, type EventWindows, type VelocityWindow } from "../event/index.ts";
import { DAY_MS } from "../lib/clock.ts";
import { bounceWindow, complaintWindow } from "./windows.ts";

const HOUR_MS = 3_600_000;
const dayOf = (at: number) => Math.floor(at / DAY_MS);

type Fact = { at: number; sentAt: number; action: string; data: Envelope["data"]["data"] };
type Figures = { subject: string; day: string; revision: number; figures: { spam_rate?: number } };
type Outcome = Fact & { recipient: string; key: string; provider: string; hard: 0 | 1 | 2 };

const isHeard = (o: Outcome) => o.hard === 0 && o.provider !== "gmail" && o.provider !== "apple";
const sum = (facts: Fact[]) => facts.reduce((n, f) => n + f.data.message!.recipients, 0);

const firstTimeHard = (facts: Outcome[]) => {
  const by = Map.groupBy(
    facts.filter((o) => o.data.recipient!.first_time === true),
    (o) => o.recipient,
  );
  return [...by.values()]
    .map((list) => list.at(-1)!)
    .sort((a, b) => b.at - a.at)
    .slice(0, 20)
    .filter((o) => o.hard > 0).length;
};

const dateOf = (at: number) => new Date(at).toISOString().slice(0, 10);

/** What `createEvidence` says, by the plainest way: from the whole log, anew for every window. */
export function referenceWindows(log: readonly Envelope[], about: Envelope): EventWindows {
  const now = eventTime(about);
  const told = new Map(log.map((envelope) => [envelope.data.data.dedupe_key, envelope]));
  const all: Fact[] = [...told.values()]
    .filter((envelope) => eventTime(envelope) <= now)
    .map((envelope) => {
      const { action_name: action, data } = envelope.data;
      const at = eventTime(envelope);
      return { at, sentAt: data.message?.received_at ?? at, action, data };
    })
    .sort((a, b) => a.at - b.at);
  const { data, action_name: action } = about.data;
  const { did, domain } = data.member;
  const mine = all.filter((fact) => fact.data.member.did === did);
  const credential = data.credential;

  const outcomes = all.flatMap((fact): Outcome[] => {
    const { recipient, smtp, late, detail } = fact.data;
    if (!recipient) return [];
    const base = {
      ...fact,
      recipient: recipient.key,
      key: fact.data.dedupe_key,
      provider: smtp?.provider ?? "other",
    };
    if (fact.action === "recipient_delivered") return [{ ...base, hard: 0 }];
    if (fact.action !== "recipient_bounced" && fact.action !== "recipient_expired") return [];
    if (late && detail?.["authentic"] === false) return [];
    if (smtp?.class === "bad-mailbox") return [{ ...base, hard: 2 }];
    return smtp?.class === "bad-domain" ? [{ ...base, hard: 1 }] : [];
  });

  // Incidents.
  const refusals = outcomes.filter(
    (o) => o.hard === 2 && !o.data.late && o.data.recipient!.first_time === false,
  );
  const isSign = (sign: Outcome) => {
    if (sign.provider === "other") return false;
    const here = refusals.filter((o) => o.provider === sign.provider);
    const hour = here.filter((o) => o.at > sign.at - HOUR_MS && o.at <= sign.at);
    const voice = (o: Outcome) =>
      o.data.recipient!.domain === "gmail.com" ? o.recipient : `@${o.data.recipient!.domain}`;
    const dids = [...new Set(hour.map((o) => o.data.member.did))].filter((who) => {
      const own = new Set(hour.filter((o) => o.data.member.did === who).map(voice)).size;
      const today = dayOf(sign.at) * DAY_MS;
      const habit =
        here.filter((o) => o.data.member.did === who && o.at >= today - 30 * DAY_MS && o.at < today).length /
        720;
      return own >= Math.max(2, Math.ceil(10 * habit));
    });
    const voices = new Set(hour.filter((o) => dids.includes(o.data.member.did)).map(voice));
    return dids.length >= 3 && voices.size >= 8;
  };
  const signs = refusals.filter(isSign);
  const counted = outcomes.filter(
    (o) => o.hard !== 2 || !signs.some((s) => s.provider === o.provider && Math.abs(s.at - o.at) <= HOUR_MS),
  );
  const own = counted.filter((o) => o.data.member.did === did);

  // Bounces.
  const moves = mine.filter((f) => f.action === "standing_changed");
  const undone = new Set(moves.flatMap((f) => (f.data.detail!["undone"] as number[] | undefined) ?? []));
  const changes = moves.filter((f) => !undone.has(f.at) && !("undone" in f.data.detail!));
  const start = changes.at(-1)?.at ?? -Infinity;
  const scope = own.filter((o) => o.at > now - 90 * DAY_MS && o.sentAt > start);
  const trials = Map.groupBy(scope, (o) => `${o.recipient} ${dayOf(o.sentAt)}`);
  const latest = [...trials.values()].sort((a, b) => b.at(-1)!.at - a.at(-1)!.at).slice(0, 200);
  const hardTrials = latest
    .map((facts) => facts.filter((o) => o.hard > 0))
    .filter((facts) => facts.length > 0);
  const handedIn = all.filter((f) => f.action === "message_accepted" || f.action === "message_held");
  const byStrangers = (o: Outcome) =>
    o.data.recipient!.first_time === true &&
    handedIn.some(
      (f) => f.data.message!.id === o.data.message?.id && f.data.message!.template_known === true,
    );
  const bounce = bounceWindow({
    eligible: latest.length,
    hard: hardTrials.length,
    distinct: new Set(hardTrials.map(([o]) => o!.recipient)).size,
    first_contacts: hardTrials.filter((facts) => facts.every(byStrangers)).length,
    domains: new Set(hardTrials.map(([o]) => o!.data.recipient!.domain)).size,
  });

  // Complaints.
  const deliveries = outcomes.filter((o) => o.data.member.did === did && isHeard(o));
  // One for each complainant and message, when it was first told.
  const complaints = [
    ...Map.groupBy(
      mine.filter((f) => f.action === "complaint_received"),
      (f) => `${f.data.message?.id ?? ""} ${f.data.recipient!.key}`,
    ).values(),
  ].map(([first]) => first!);
  const people = (facts: Fact[]) => facts.map((f) => f.data.recipient!.key);
  const heard = (fact: Fact, after: number) =>
    complaints.some((f) => f.sentAt <= after && f.data.recipient!.key === fact.data.recipient!.key);
  const isNewcomer = (fact: Fact) => {
    const [first] = outcomes.filter(
      (o) =>
        o.hard === 0 &&
        o.data.member.did === did &&
        o.recipient === fact.data.recipient!.key &&
        o.data.recipient!.first_time === true &&
        o.at <= fact.at,
    );
    return first !== undefined && byStrangers(first) && fact.at - first.at <= 7 * DAY_MS;
  };
  const complaint = (days: number, after: number) => {
    const begin = (dayOf(now) - days) * DAY_MS;
    const counted = complaints.filter((f) => f.at >= begin && f.sentAt > after && !heard(f, after));
    const told = Map.groupBy(counted, (f) => f.data.recipient!.key);
    const newcomers = [...told.values()].filter((facts) => facts.every(isNewcomer)).length;
    return {
      ...complaintWindow(deliveries.filter((o) => o.at >= begin && o.at > after).length, people(counted)),
      newcomers,
      by_strangers: newcomers > told.size / 2,
    };
  };

  // Velocity.
  const velocity = (isOf: (data: Fact["data"]) => boolean): VelocityWindow => {
    const sent = handedIn.filter((f) => f.data.member.did === did && isOf(f.data) && f.sentAt <= now);
    const within = (ms: number) => sent.filter((f) => f.sentAt > now - ms);
    const lately = within(HOUR_MS).flatMap((f) => f.data.recipients ?? []);
    const end = dayOf(now - DAY_MS);
    const before = sent.filter((f) => dayOf(f.sentAt) >= end - 30 && dayOf(f.sentAt) < end);
    const days = before.length === 0 ? 0 : end - Math.min(...before.map((f) => dayOf(f.sentAt)));
    const usual = days < 7 ? 0 : sum(before) / days;
    const hour = sum(within(HOUR_MS));
    return {
      minute: sum(within(60_000)),
      hour,
      day: sum(within(DAY_MS)),
      recipients_hour: new Set(lately.map(({ key }) => key)).size,
      domains_hour: new Set(lately.map((one) => one.domain)).size,
      first_time_share:
        hour === 0 ? 0 : within(HOUR_MS).reduce((n, f) => n + (f.data.message!.first_time ?? 0), 0) / hour,
      first_time_hard: firstTimeHard(own.filter((o) => isOf(o.data) && o.at > now - 90 * DAY_MS)),
      habit_ratio: usual === 0 ? 0 : sum(within(DAY_MS)) / usual,
    };
  };

  // The breaker.
  const breaker = () => {
    const ended = mine.filter((f) => f.action === "member_resumed");
    const open = mine
      .filter(
        (f) =>
          f.action === "member_paused" &&
          (f.data.credential === undefined || f.data.credential === credential) &&
          !ended.some(
            (e) =>
              e.data.credential === f.data.credential &&
              e.data.detail!["pause_at"] === f.data.detail!["pause_at"] &&
              e.data.detail!["cause"] === f.data.detail!["cause"],
          ),
      )
      .map((f) => f.data.detail as { pause_at: number; cause: string })
      .sort((a, b) => a.pause_at - b.pause_at);
    const pause = open.find(({ cause }) => cause === "content" || cause === "first-contact") ?? open[0];
    if (!pause) return undefined;
    const at = pause.pause_at;
    const sent = handedIn.filter((f) => f.data.credential === credential && f.sentAt <= now);
    const suspect = new Set(
      sent
        .filter((f) => {
          const held = f.action === "message_held" && f.sentAt >= at - 60_000;
          const unseen = !f.data.message!.template_known && f.sentAt > at - HOUR_MS && f.sentAt <= at;
          return held || unseen;
        })
        .map((f) => f.data.message!.template!),
    );
    const mail = sent.filter((f) => f.sentAt > at - 7 * DAY_MS && suspect.has(f.data.message!.template!));
    const wanted = [...new Set(mail.flatMap((f) => (f.data.recipients ?? []).map(({ key }) => key)))];
    const settled = at - DAY_MS;
    const before = outcomes.filter(
      (o) => o.data.member.did === did && o.hard === 0 && o.at <= settled && o.at > settled - 90 * DAY_MS,
    );
    const reached = [...suspect].map(
      (template) =>
        new Set(before.filter((o) => o.data.message!.template === template).map((o) => o.recipient)).size,
    );
    const ids = new Set(mail.map((f) => f.data.message!.id));
    const about = complaints.filter((f) => f.at > at - 7 * DAY_MS && ids.has(f.data.message?.id ?? ""));
    return {
      cause: pause.cause,
      templates: suspect.size,
      template_deliveries: suspect.size === 0 ? 0 : Math.min(...reached),
      recipients: wanted.length,
      known_share:
        wanted.length === 0
          ? 0
          : wanted.filter((p) => before.some((o) => o.recipient === p)).length / wanted.length,
      first_time_hard: firstTimeHard(
        own.filter(
          (o) =>
            o.at > at - 7 * DAY_MS &&
            o.data.credential === credential &&
            suspect.has(o.data.message!.template ?? ""),
        ),
      ),
      complainants: new Set(about.map((f) => f.data.recipient!.key)).size,
      confirmable: pause.cause !== "person",
    };
  };

  // Checks of the domain.
  const authentication = () => {
    const checks = mine.filter(
      (f) =>
        f.action === "domain_checked" &&
        f.at > now - 30 * DAY_MS &&
        f.data.member.domain === domain &&
        f.data.detail!["result"] !== "unknown",
    );
    const passes = checks.map((f) => f.data.detail!["result"] === "verified");
    const failed = checks.slice(passes.lastIndexOf(true) + 1);
    let end = passes.lastIndexOf(true);
    while (end > 0 && passes[end - 1]) end--;
    const row = checks.slice(passes.slice(0, Math.max(0, end)).lastIndexOf(true) + 1, Math.max(0, end));
    const finding = failed.at(-1)?.data.detail!["findings"] as
      | { observed: string; remedy: string }[]
      | undefined;
    return {
      failed: failed.length,
      since_hours: failed.length === 0 ? 0 : (failed.at(-1)!.at - failed[0]!.at) / HOUR_MS,
      record: finding?.[0]?.observed ?? "",
      fix: finding?.[0]?.remedy ?? "",
      last_failed: row.length,
      passed_hours: row.length === 0 ? 0 : (now - checks[end]!.at) / HOUR_MS,
    };
  };

  const goodDays = () => {
    const last = changes.at(-1);
    const isGood = last === undefined || last.data.detail!["to"] === "good";
    return isGood ? (now - (last ?? mine[0] ?? { at: now }).at) / DAY_MS : 0;
  };

  /** Of each day the figure that was told last. */
  const figures = () => {
    const last = new Map<string, { revision: number; rate: number }>();
    for (const f of all.filter((one) => one.action === "provider_reported")) {
      const { subject, day, revision, figures: said } = f.data.detail as Figures;
      const isOf =
        subject === data.detail!["subject"] && day > dateOf(now - 7 * DAY_MS) && day <= dateOf(now);
      if (!isOf || said.spam_rate === undefined || revision < (last.get(day)?.revision ?? 0)) continue;
      last.set(day, { revision, rate: said.spam_rate });
    }
    const rates = [...last.keys()].sort().map((day) => last.get(day)!.rate);
    return {
      spam_rate: rates.length === 0 ? 0 : rates.reduce((all, rate) => all + rate, 0) / rates.length,
      days: rates.length,
      days_over: rates.filter((rate) => rate > 0.003).length,
    };
  };

  const held = credential === undefined ? undefined : breaker();
  const burst = (name: string) => {
    const answered = mine
      .filter((f) => f.action === "member_resumed" && f.data.credential === name)
      .filter((f) => f.data.detail!["cause"] === "complaints")
      .map((f) => f.at);
    const begin = Math.max(now - DAY_MS, ...answered);
    const window = complaintWindow(
      deliveries.filter((o) => o.data.credential === name && o.at > begin && o.at > start).length,
      people(complaints.filter((f) => f.at > begin && f.data.credential === name && f.sentAt > start)),
    );
    return { ...window, credential: name };
  };
  const { provider } = data.smtp ?? {};
  const recent = refusals.filter((o) => o.provider === provider && o.at > now - HOUR_MS);
  return {
    bounce,
    complaint: complaint(30, start),
    complaint_90: complaint(90, start),
    velocity: velocity(() => true),
    ...(credential !== undefined && {
      credential_velocity: velocity((of) => of.credential === credential),
      complaint_burst: burst(credential),
    }),
    ...(held && { breaker: held }),
    ...(provider !== undefined && {
      incident: {
        active: signs.some((s) => s.provider === provider && s.at >= now - HOUR_MS),
        provider,
        members: new Set(recent.map((o) => o.data.member.did)).size,
      },
    }),
    ...(action === "domain_checked" && {
      authentication: authentication(),
      standing: { good_days: goodDays(), eligible: bounce.eligible },
    }),
    ...(action === "provider_reported" && { provider: figures() }),
  };
}

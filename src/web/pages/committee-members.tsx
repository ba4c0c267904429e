import { Sparkline } from "../charts.tsx";
import { Badge, Breadcrumb, DataTable, EmptyState, pageOf, Pages, Section, Time } from "../components.tsx";
import { STANDINGS } from "../../policy/index.ts";
import { COMMITTEE_PATH, memberPath, MEMBERS_PATH } from "../paths.ts";
import type { CommitteeMember } from "../view.ts";
import { EVENT_WORDS, formatCount, formatProbability, formatShare, TIER_WORDS } from "../words.ts";
import { StandingBadge } from "./parts.tsx";

const AT_A_GLANCE = 8;
const PAGE = 25;
/** From this probability that too much bounces on, a member in good standing is looked at. */
const DOUBTFUL = 0.5;

/** Members that somebody should look at; all of them have a page of their own. */
export function MembersAtAGlance({ members }: { members: CommitteeMember[] }) {
  const doubtful = members.filter(isDoubtful).toSorted(worstFirst);
  const more = doubtful.length - AT_A_GLANCE;
  return (
    <Section
      id="members"
      title="Members to look at"
      wide
      intro={<a href={MEMBERS_PATH}>All {formatCount(members.length)} members</a>}
    >
      {doubtful.length === 0 ? (
        <EmptyState title="All in good standing">
          None is paused, and of none is it likelier than not that too much of its mail bounces.
        </EmptyState>
      ) : (
        <MemberTable members={doubtful.slice(0, AT_A_GLANCE)} />
      )}
      {more > 0 ? (
        <p class="soft">{formatCount(more)} more on the page of all members, in this order.</p>
      ) : null}
    </Section>
  );
}

/** Every member, worst first, a page at a time. */
export function MembersPage({ members, asked }: { members: CommitteeMember[]; asked: number }) {
  const { items, page, pages } = pageOf(members.toSorted(worstFirst), asked, PAGE);
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={[{ href: COMMITTEE_PATH, text: "Committee" }]} current="Members" />
        <h1>Members</h1>
        <p class="lede">{formatCount(members.length)} members; who needs the committee's eye comes first.</p>
      </div>
      <Section id="members" title="All members" wide>
        {items.length === 0 ? <EmptyState title="There is no member yet" /> : <MemberTable members={items} />}
        <Pages page={page} pages={pages} href={(n) => `${MEMBERS_PATH}?page=${n}`} />
      </Section>
    </>
  );
}

function isDoubtful({ standing, paused, bounce }: CommitteeMember): boolean {
  return standing !== "good" || paused || (bounce?.p_over_5 ?? 0) >= DOUBTFUL;
}

function MemberTable({ members }: { members: CommitteeMember[] }) {
  return (
    <DataTable
      caption="Bounces: hard ones among the last 200 recipients that count, and the probability that the true rate is above 5 %"
      compact
      columns={[
        { label: "Domain" },
        { label: "Standing", plain: true },
        { label: "Tier" },
        { label: "Today", numeric: true },
        { label: "Seven days", plain: true },
        { label: "Bounces", numeric: true },
        { label: "Above 5 %", numeric: true },
        { label: "Last" },
      ]}
      rows={members.map((member) => ({ key: member.did, cells: memberCells(member) }))}
    />
  );
}

/** Who needs the committee's eye comes first. */
function worstFirst(a: CommitteeMember, b: CommitteeMember): number {
  return (
    STANDINGS.indexOf(b.standing) - STANDINGS.indexOf(a.standing) ||
    Number(b.paused) - Number(a.paused) ||
    (b.bounce?.p_over_5 ?? 0) - (a.bounce?.p_over_5 ?? 0) ||
    a.domain.localeCompare(b.domain)
  );
}

function memberCells(member: CommitteeMember) {
  const { bounce, lastEvent } = member;
  return [
    <a href={memberPath(member.did)}>{member.domain}</a>,
    <span class="badges">
      <StandingBadge standing={member.standing} />
      {member.paused ? <Badge tone="warn">Paused</Badge> : null}
    </span>,
    TIER_WORDS[member.tier],
    formatCount(member.today),
    <Sparkline values={member.week} label="Messages of the last seven days" />,
    bounce === null ? "–" : `${bounce.hard} of ${bounce.eligible} (${formatShare(bounce.rate)})`,
    bounce === null ? "–" : formatProbability(bounce.p_over_5),
    lastEvent === null ? null : (
      <>
        {EVENT_WORDS[lastEvent.action].name}{" "}
        <span class="soft small">
          <Time at={lastEvent.at} />
        </span>
      </>
    ),
  ];
}

import { TIERS } from "../../policy/index.ts";
import { Badge, Card, KeyValue, Section, Time } from "../components.tsx";
import { VouchedBy } from "./member-vouches.tsx";
import { applicationPath } from "../paths.ts";
import type { MemberView } from "../view.ts";
import { formatCount, TIER_WORDS } from "../words.ts";

type Application = MemberView["applications"][number];
type Items = Parameters<typeof KeyValue>[0]["items"];

/** What somebody applied with; the committee decides here. */
export function OpenApplication({
  application,
  forCommittee,
}: {
  application: Application;
  forCommittee: boolean;
}) {
  return (
    <Card tone="note">
      <h2>
        {forCommittee ? "An application waits for a decision" : "Your application waits for a decision"}
      </h2>
      <p>Until a person has approved it nothing is sent.</p>
      <KeyValue items={itemsOf(application)} />
      {forCommittee ? <Decision application={application} /> : null}
    </Card>
  );
}

function itemsOf(application: Application): Items {
  const { name, contact, domains, daily, purpose, pds, words, appliedAt, appliedBy } = application;
  const { vouches = [] } = application;
  const items: Items = [
    ["Name", name],
    ["Contact", contact],
    ["Domains", domains.join(", ")],
    ["Expects", daily === null ? "" : `${formatCount(daily)} messages a day`],
    ["Sends", purpose],
    ["PDS", pds],
    ["Says", words],
    [
      "Applied",
      <>
        <Time at={appliedAt} />, entered by {appliedBy}
      </>,
    ],
    ["Vouched for by", vouches.length === 0 ? "" : <VouchedBy vouches={vouches} />],
  ];
  return items.filter(([, value]) => value !== "");
}

function Decision({ application: { did, id } }: { application: Application }) {
  return (
    <form method="post" action={applicationPath(did)} class="decide">
      <input type="hidden" name="application" value={String(id)} />
      <label for="words">Words for the applicant; to decline, the reason</label>
      <textarea id="words" name="words" rows={2} maxlength={2000}></textarea>
      <label for="tier">Tier to begin with</label>
      <select id="tier" name="tier">
        {TIERS.map((tier) => (
          <option value={tier}>{TIER_WORDS[tier]}</option>
        ))}
      </select>
      <div class="buttons">
        <button type="submit" name="decision" value="approve">
          Approve
        </button>
        <button type="submit" name="decision" value="decline" class="grave">
          Decline
        </button>
      </div>
    </form>
  );
}

/** Applications that were decided, with who and when. */
export function PastApplications({ view }: { view: MemberView }) {
  const decided = view.applications.filter((one) => one.decision !== null);
  if (decided.length === 0) return null;
  return (
    <Section id="applications" title="Application" intro="What the member applied with, and the decision.">
      {decided.map((application) => (
        <div class="stack" data-key={String(application.id)}>
          <p>
            <Badge tone={application.state === "approved" ? "ok" : "idle"}>
              {application.state === "approved" ? "Approved" : "Declined"}
            </Badge>{" "}
            on <Time at={application.decision!.at} /> by {application.decision!.by}.{" "}
            {application.decision!.note}
          </p>
          <details id={`application-${application.id}`}>
            <summary>What it said</summary>
            <KeyValue items={itemsOf(application)} />
          </details>
        </div>
      ))}
    </Section>
  );
}

import { Breadcrumb, Code, EmptyState, Fold, KeyValue, Section } from "../components.tsx";
import { COMMITTEE_PATH, memberPath } from "../paths.ts";
import { archivePath, leavePath, proofPath } from "../paths-leave.ts";
import type { PersonRole } from "../../account/index.ts";
import type { MemberExportView } from "../view-export.ts";
import { formatCount } from "../words.ts";
import { MemberNav } from "./member-nav.tsx";

type Props = { view: MemberExportView; role: PersonRole | "committee" | null };

/** What a member takes along: everything that is kept about it, and what it can show others. */
export function MemberExportPage({ view, role }: Props) {
  const { did, domain } = view;
  const trail = [
    ...(role === "committee" ? [{ href: COMMITTEE_PATH, text: "Committee" }] : []),
    { href: memberPath(did), text: domain },
  ];
  return (
    <>
      <div class="page-head">
        <Breadcrumb items={trail} current="Export" />
        <MemberNav did={did} current="export" />
        <h1>Take it along</h1>
        <p class="lede">
          What is kept about this member belongs to it. Take it at any time, also after{" "}
          <a href={leavePath(did)}>leaving</a>.
        </p>
      </div>
      <Section
        id="archive"
        title="Everything"
        intro="One zip with JSON files and a README that explains each."
      >
        <Archive view={view} role={role} />
        <Fold id="files" summary={`What is in it: ${view.files.length} files and a README`}>
          <KeyValue items={view.files.map(({ name, about }) => [name, about.replaceAll("`", "")])} />
        </Fold>
      </Section>
      <Section
        id="proof"
        title="Reputation, signed"
        intro="For another cooperative, or a mailbox provider: anybody can check it by our DID document alone, without asking us."
      >
        <Proof view={view} />
      </Section>
    </>
  );
}

function Archive({ view: { did }, role }: Props) {
  const mayTake = role !== "viewer" && role !== null;
  return (
    <form method="post" action={archivePath(did)} class="decide">
      <p>
        {role === "owner"
          ? "The addresses of your recipients are in it, whole: keep it well."
          : "The addresses of recipients are masked; whole they are given to the owner alone."}{" "}
        A long log takes some minutes.
      </p>
      <div class="buttons">
        <button type="submit" disabled={!mayTake} aria-describedby={mayTake ? undefined : "archive-why"}>
          Download everything
        </button>
      </div>
      {mayTake ? null : (
        <p id="archive-why">
          You read this member's pages as a viewer; a manager or the owner takes the export.
        </p>
      )}
    </form>
  );
}

const percent = (rate: number | null) =>
  rate === null ? "nothing counted yet" : `${(rate * 100).toFixed(2)} %`;

function Proof({ view: { did, proof } }: { view: MemberExportView }) {
  if ("refused" in proof) return <EmptyState title="No proof">{proof.refused}</EmptyState>;
  return (
    <>
      <KeyValue
        items={[
          ["Member since", proof.since.slice(0, 10)],
          ["Tier", proof.tier],
          ["Standing", `${proof.standing}; ${formatCount(proof.changes)} changes in all`],
          [
            "Messages",
            `${formatCount(proof.accepted)}, in ${proof.months === 1 ? "one month" : `${proof.months} months`}`,
          ],
          ["Hard bounces", percent(proof.bounces)],
          ["Complaints", percent(proof.complaints)],
          ["Labels", proof.labels.length === 0 ? "none in force" : proof.labels.join(", ")],
        ]}
      />
      <p>
        <a href={proofPath(did)}>Download the proof (JWS)</a>. Whoever gets it checks it so:
      </p>
      <Code text={`atmos proof verify proof.jws --issuer ${proof.issuer}`} label="Command" />
    </>
  );
}

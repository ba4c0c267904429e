import type { Child } from "hono/jsx";
import type { Diagnosis } from "../../member/index.ts";
import { Badge, Card, Code } from "../components.tsx";

/** A record with what stands there now. */
export function RecordView({ diagnosis }: { diagnosis: Diagnosis }) {
  const { record, value, published } = diagnosis;
  const [tone, words] = verdictOf(diagnosis);
  return (
    <Card>
      <p>
        <Badge tone={tone}>{words.title}</Badge> <strong>{record.type}</strong> <code>{record.name}</code>: it{" "}
        {record.purpose}.
      </p>
      {words.text === null ? null : <p>{words.text}</p>}
      {"present" in published
        ? published.present.map((text) => <Code text={text} label="There now" />)
        : null}
      {published.state === "right" ? null : (
        <>
          <Code text={record.name} label="Name" />
          <Code
            text={value}
            label={published.state === "wrong" ? "In its place" : `Value (${record.type})`}
          />
        </>
      )}
    </Card>
  );
}

function verdictOf({
  record,
  published,
}: Diagnosis): ["ok" | "warn" | "bad" | "idle", { title: string; text: Child | null }] {
  const { name, type } = record;
  switch (published.state) {
    case "right":
      return ["ok", { title: "Published", text: null }];
    case "no-name":
      return [
        "warn",
        {
          title: "Missing",
          text: `There is no name ${name} in the DNS. Some hosts add the domain by themselves: leave it out of the name then.`,
        },
      ];
    case "no-record":
      return ["warn", { title: "Missing", text: `The name is there; this ${type} record is not.` }];
    case "wrong":
      return [
        "bad",
        {
          title: "Another value",
          text: `Others may keep the present one for ${lasting(published.ttl)} after you change it.`,
        },
      ];
    case "several":
      return [
        "bad",
        {
          title: "More than one",
          text: "Receivers take several for none. Leave one, with what is below in it.",
        },
      ];
    case "spreading":
      return [
        "ok",
        {
          title: "Published, spreading",
          text: `Your own name servers have it. Others see it within ${published.ttl === null ? "about an hour" : lasting(published.ttl)}.`,
        },
      ];
    case "no-answer":
      return [
        "idle",
        {
          title: "No answer",
          text: `The DNS did not answer (${published.why}). Nothing is concluded; look again.`,
        },
      ];
  }
}

/** Whether a record is where its owner put it, also while not everybody sees it yet. */
export function isProved({ published: { state } }: Diagnosis): boolean {
  return state === "right" || state === "spreading";
}

function lasting(seconds: number): string {
  if (seconds < 120) return "two minutes";
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3_600)} hours`;
}

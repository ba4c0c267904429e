import { Badge } from "../components.tsx";
import type { Standing } from "../../policy/index.ts";
import { LABEL_WORDS, STANDING_WORDS } from "../words.ts";

export function StandingBadge({ standing }: { standing: Standing }) {
  const { tone, name } = STANDING_WORDS[standing];
  return <Badge tone={tone}>{name}</Badge>;
}

export function LabelBadges({ values }: { values: string[] }) {
  return (
    <span class="badges">
      {values.map((value) => (
        <Badge tone={value in LABEL_WORDS ? "ok" : "idle"}>{value}</Badge>
      ))}
    </span>
  );
}

import type { WebQueries } from "../../web/index.ts";
import { explainLabels } from "./label.ts";
import { memberView } from "./member.ts";
import { committeeOverview, publicOverview } from "./overview.ts";
import type { QueryParts } from "./parts.ts";

/** Fills the pages from the roles that run here. */
export function createQueries(parts: QueryParts): WebQueries {
  return {
    publicOverview: () => publicOverview(parts),
    committeeOverview: () => committeeOverview(parts),
    member: (did) => memberView(parts, did),
    label: async (subject, value) => explainLabels(parts, subject, value),
  };
}

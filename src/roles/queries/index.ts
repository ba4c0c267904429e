import type { MessagePages, WebQueries } from "../../web/index.ts";
import { deliveryView } from "./delivery.ts";
import { explainLabels } from "./label.ts";
import { memberView } from "./member.ts";
import { messageLog, messageOf, type MessageParts } from "./messages.ts";
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

/** What members sent, from the relay of this process. */
export const createMessagePages = (parts: MessageParts): MessagePages => ({
  log: (did, filter, before) => messageLog(parts, did, filter, before),
  show: (did, id) => messageOf(parts, did, id),
  delivery: (did) => deliveryView(parts, did),
});

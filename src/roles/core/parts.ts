import type { People, Tokens } from "../../account/index.ts";
import type { EventLog, EventMaker } from "../../event/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Members } from "../../member/index.ts";
import type { Database } from "../../platform/database.ts";
import type { Webhooks } from "../../webhook/index.ts";
import type { MemberNews } from "./member-news.ts";
import type { Cases, Pauses, Standings } from "../../standing/index.ts";
import type { Pipeline } from "./pipeline.ts";

/** What the parts of core share. */
export type CoreParts = {
  db: Database;
  clock: Clock;
  members: Members;
  people: People;
  tokens: Tokens;
  standings: Standings;
  pauses: Pauses;
  cases: Cases;
  news: MemberNews;
  webhooks: Webhooks;
  events: EventLog;
  pipeline: Pipeline;
  newEvent: EventMaker;
  /** Relay nodes and labeler are told of these members soon. */
  tell: (dids: readonly string[]) => void;
};

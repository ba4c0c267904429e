import { EGRESS_TOPIC } from "../egress/index.ts";
import { EVENTS_TOPIC } from "../event/index.ts";
import { PUBLIC_STANDING_TOPIC } from "../label/index.ts";
import { LIMIT_ASK_TOPIC, LIMIT_GRANT_TOPIC } from "../lease/index.ts";
import { NODE_COMMAND_TOPIC, NODE_STATUS_TOPIC, PULSE_TOPIC } from "../node/index.ts";
import { NOTICE_TOPIC } from "../notice/index.ts";
import type { BusTopic } from "../platform/bus/index.ts";
import { POLICY_TOPIC } from "../policy/index.ts";
import { CREDENTIAL_USED_TOPIC } from "../relay/index.ts";
import { REPORTS_TOPIC } from "../report/index.ts";
import { SUPPRESSION_ASK_TOPIC, SUPPRESSION_RELEASE_TOPIC, SUPPRESSION_TOPIC } from "../suppression/index.ts";
import { ACTIONS_TOPIC, EFFECTS_TOPIC } from "./core/osprey-desk.ts";
import { PASSED_MAIL_TOPIC } from "./passed-mail.ts";
import { QUEUE_COMMAND_TOPIC } from "./queue-commands.ts";

const DAY_MS = 86_400_000;

/**
 * Everything that goes between roles. Events of one member keep their order, so several partitions share them by DID; of
 * the rest there is little, and one partition keeps it in one order.
 */
export const TOPICS: readonly BusTopic[] = [
  // What a core that was away has to learn: as long as an operator may need to bring one back.
  { name: EVENTS_TOPIC, partitions: 6, retentionMs: 30 * DAY_MS },
  { name: POLICY_TOPIC, partitions: 1, compacted: true, private: true },
  { name: PUBLIC_STANDING_TOPIC, partitions: 1, compacted: true },
  { name: SUPPRESSION_TOPIC, partitions: 1, retentionMs: 30 * DAY_MS },
  { name: SUPPRESSION_ASK_TOPIC, partitions: 1 },
  { name: SUPPRESSION_RELEASE_TOPIC, partitions: 1 },
  { name: REPORTS_TOPIC, partitions: 1 },
  { name: CREDENTIAL_USED_TOPIC, partitions: 1 },
  { name: EGRESS_TOPIC, partitions: 1 },
  { name: QUEUE_COMMAND_TOPIC, partitions: 1, retentionMs: 30 * DAY_MS },
  { name: PULSE_TOPIC, partitions: 1, compacted: true },
  { name: NODE_COMMAND_TOPIC, partitions: 1, compacted: true },
  { name: NODE_STATUS_TOPIC, partitions: 1, compacted: true },
  { name: LIMIT_ASK_TOPIC, partitions: 3, retentionMs: DAY_MS },
  { name: LIMIT_GRANT_TOPIC, partitions: 3, retentionMs: DAY_MS },
  { name: ACTIONS_TOPIC, partitions: 6, retentionMs: 14 * DAY_MS },
  { name: EFFECTS_TOPIC, partitions: 6, retentionMs: 30 * DAY_MS },
  // A bounce has at most 1 MiB, and travels as base64.
  { name: PASSED_MAIL_TOPIC, partitions: 1, retentionMs: 7 * DAY_MS, maxBytes: 2 * 1024 * 1024 },
  // Any relay node may send it, and one does.
  { name: NOTICE_TOPIC, partitions: 3, oneNode: true },
];

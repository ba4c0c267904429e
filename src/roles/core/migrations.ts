import { accountMigration } from "../../account/index.ts";
import { egressNoticeMigration } from "../../egress/index.ts";
import { eventLogMigration } from "../../event/index.ts";
import { evidenceMigration } from "../../evidence/index.ts";
import { leaseMigration } from "../../lease/index.ts";
import { memberMigration } from "../../member/index.ts";
import { noticeMigration } from "../../notice/index.ts";
import type { Migration } from "../../platform/database.ts";
import { policyPublisherMigration } from "../../policy/index.ts";
import { reportMigration } from "../../report/index.ts";
import { askedMigration, verdictMigration } from "../../rules/index.ts";
import { standingMigrations } from "../../standing/index.ts";
import { suppressionMigration } from "../../suppression/index.ts";
import { testMailMigration } from "../../test-mail/index.ts";
import { timingMigration } from "../../timing/index.ts";
import { webhookMigration } from "../../webhook/index.ts";
import { incidentDeskMigration } from "./incident-desk.ts";
import { retentionMigration } from "./retention.ts";

/** All tables of core. */
export const coreMigrations: Migration[] = [
  memberMigration,
  accountMigration,
  eventLogMigration,
  evidenceMigration,
  verdictMigration,
  askedMigration,
  ...standingMigrations,
  noticeMigration,
  webhookMigration,
  egressNoticeMigration,
  policyPublisherMigration,
  leaseMigration,
  suppressionMigration,
  reportMigration,
  incidentDeskMigration,
  retentionMigration,
  timingMigration,
  testMailMigration,
];

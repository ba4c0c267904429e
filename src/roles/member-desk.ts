import { credentialDesk } from "./member-desk-credentials.ts";
import { domainDesk } from "./member-desk-domains.ts";
import type { DeskParts } from "./member-desk-parts.ts";
import { pauseDesk } from "./member-desk-pauses.ts";
import { settingsDesk } from "./member-desk-settings.ts";
import { standingDesk } from "./member-desk-standing.ts";
import { testDesk } from "./member-desk-tests.ts";
import { webhookDesk } from "./member-desk-webhook.ts";

export type { DeskParts, DeskRefusal } from "./member-desk-parts.ts";
export type { DeskDomain, DeskRemoval } from "./member-desk-domains.ts";
export type { IssuedCredential, WantedCredential } from "./member-desk-credentials.ts";
export type { DeskWebhook, WebhookAnswer } from "./member-desk-webhook.ts";
export type { DeskAppeal, DeskEvents } from "./member-desk-standing.ts";
export type { DeskTest, DeskTests } from "./member-desk-tests.ts";
export type { DeskSettings } from "./member-desk-settings.ts";

export type MemberDesk = ReturnType<typeof createMemberDesk>;

/**
 * All that a member does for itself. Who may do it was asked before: viewers read, managers do all but people, owners do
 * all. Every function takes the member's DID first, reaches nothing of another member, and answers what was asked or
 * `{error, message}`.
 */
export function createMemberDesk(parts: DeskParts) {
  return {
    standing: standingDesk(parts),
    domains: domainDesk(parts),
    credentials: credentialDesk(parts),
    webhook: webhookDesk(parts),
    settings: settingsDesk(parts),
    tests: testDesk(parts),
    pauses: pauseDesk(parts),
  };
}

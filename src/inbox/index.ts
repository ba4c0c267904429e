export { createInbox, type Inbox, type InboxOptions } from "./inbox.ts";
export { inboxMigration } from "./schema.ts";
export * from "./types.ts";

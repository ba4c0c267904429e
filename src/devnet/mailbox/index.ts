export { startMailboxProvider } from "./provider.ts";
export type { MailboxDomain, MailboxOptions, MailboxProvider } from "./provider.ts";
export { inboxPages } from "./pages.tsx";
export { mailboxMigration, type Inbox, type StoredMessage, type Summary } from "./store.ts";
export type { Verdicts } from "./authenticate.ts";

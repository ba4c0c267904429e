export { inboxPages } from "./pages.tsx";
export { startMailboxProvider, type MailboxProvider } from "./provider.ts";
export { mailboxMigration } from "./store.ts";

export { createWeb } from "./app.ts";
export { assets } from "./assets/index.ts";
export {
  Badge,
  Breadcrumb,
  Code,
  DataTable,
  EmptyState,
  KeyValue,
  Section,
  Time,
  type Tone,
} from "./components.tsx";
export { layout } from "./layout.tsx";
export { renderUnsubscribe } from "./pages/unsubscribe.tsx";
export { maskAddress, maskText } from "./mask.ts";
export type * from "./view-allowlist.ts";
export type * from "./view-export.ts";
export * from "./view-leave.ts";
export type * from "./view-vouch.ts";
export type * from "./inbox-view.ts";
export { joinSteps, type JoinDomain, type JoinPages, type JoinView } from "./join-view.ts";
export type * from "./provider-view.ts";
export type * from "./report-view.ts";
export { asksOf, isSpoken } from "./rule-words.ts";
export type * from "./rules-view.ts";
export type * from "./suppression-view.ts";
export { zoneLine } from "./pages/zone-line.ts";
export { labelPath, RULES_PATH } from "./paths.ts";
export { accessLink, createToken, LINK_LIFETIME_MS, readToken } from "./session.ts";
export { createUsedLinks, usedLinksMigration } from "./used-links.ts";
export type * from "./view.ts";

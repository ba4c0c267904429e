export { createWeb, type WebOptions } from "./app.ts";
export { assets } from "./assets/index.ts";
export { BarChart, Meter, PoolChart, Sparkline } from "./charts.tsx";
export {
  Badge,
  Breadcrumb,
  Card,
  Code,
  DataTable,
  EmptyState,
  Figures,
  KeyValue,
  Section,
  Time,
  type Tone,
} from "./components.tsx";
export { layout, type LayoutProps } from "./layout.tsx";
export { maskAddress, maskText } from "./mask.ts";
export { accessLink, LINK_LIFETIME_MS, type Identity } from "./session.ts";
export { COMMITTEE_PATH, memberPath } from "./paths.ts";
export type * from "./view.ts";

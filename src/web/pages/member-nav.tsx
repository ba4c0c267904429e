import {
  credentialsPath,
  deliveryPath,
  domainsPath,
  memberPath,
  messagesPath,
  providersPath,
  settingsPath,
  suppressionsPath,
  testPath,
  tokensPath,
  tracePath,
  webhooksPath,
} from "../paths.ts";
import { exportPath, vouchesPath } from "../paths-leave.ts";

/** The pages of a member, in the order in which they stand in its navigation. */
const MEMBER_PAGES = [
  ["overview", "Overview", memberPath],
  ["domains", "Domains", domainsPath],
  ["credentials", "Credentials", credentialsPath],
  ["test", "Test mail", testPath],
  ["messages", "Messages", messagesPath],
  ["trace", "Trace", tracePath],
  ["delivery", "Delivery", deliveryPath],
  ["suppressions", "Suppressed", suppressionsPath],
  ["providers", "Providers", providersPath],
  ["webhooks", "Webhooks", webhooksPath],
  ["tokens", "API tokens", tokensPath],
  ["settings", "Settings", settingsPath],
  ["vouches", "Vouching", vouchesPath],
  ["export", "Export", exportPath],
] as const satisfies readonly (readonly [name: string, text: string, path: (did: string) => string])[];

export type MemberPageName = (typeof MEMBER_PAGES)[number][0];

/** The way between the pages of one member. `current`: the one that is read, or whose part it is. */
export function MemberNav({ did, current }: { did: string; current: MemberPageName }) {
  return (
    <nav class="jumps" aria-label="Pages of the member">
      {MEMBER_PAGES.map(([name, text, path]) => (
        <a href={path(did)} aria-current={name === current ? "page" : undefined}>
          {text}
        </a>
      ))}
    </nav>
  );
}

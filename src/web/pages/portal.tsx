import type { Child } from "hono/jsx";
import { credentialsPath, tokensPath, webhooksPath } from "../paths.ts";
import type { ShownCredential } from "../view.ts";
import type {
  ChangeEventsView,
  CredentialsView,
  DomainsView,
  PortalRole,
  RemovalView,
  SettingsView,
  ShownToken,
  TestsView,
  TokensView,
  WebhooksView,
} from "../view-portal.ts";
import { CredentialsPage, IssuedPage } from "./portal-credentials.tsx";
import { DomainsPage } from "./portal-domains.tsx";
import { EventsPage } from "./portal-events.tsx";
import { RemovalPage } from "./portal-removal.tsx";
import { SettingsPage } from "./portal-settings.tsx";
import { TestsPage } from "./portal-tests.tsx";
import { TokenPage, TokensPage } from "./portal-tokens.tsx";
import { WebhookSecretPage, WebhooksPage, type WebhookTest } from "./portal-webhooks.tsx";

/** A page of a member beside its overview, with what it shows. */
export type PortalShown =
  | { part: "domains"; view: DomainsView }
  | { part: "removal"; view: RemovalView }
  | { part: "credentials"; view: CredentialsView }
  | { part: "issued"; did: string; credential: ShownCredential }
  | { part: "webhooks"; view: WebhooksView; tested: WebhookTest | null }
  | { part: "webhook-secret"; did: string; url: string; secret: string }
  | { part: "tokens"; view: TokensView }
  | { part: "token"; did: string; made: ShownToken }
  | { part: "events"; view: ChangeEventsView }
  | { part: "tests"; view: TestsView }
  | { part: "settings"; view: SettingsView };

/** `newsOf`: the member whose news the page waits for. */
type PortalContent = { title: string; body: Child; live?: boolean; newsOf?: string };

export function portalContent(shown: PortalShown, role: PortalRole): PortalContent {
  switch (shown.part) {
    case "domains":
      return {
        title: `Domains of ${shown.view.domain}`,
        body: <DomainsPage view={shown.view} role={role} />,
      };
    case "removal":
      return { title: `Take out ${shown.view.name}`, body: <RemovalPage view={shown.view} role={role} /> };
    case "credentials":
      return {
        title: `Credentials of ${shown.view.domain}`,
        body: <CredentialsPage view={shown.view} role={role} />,
      };
    case "issued":
      return {
        title: "New credential",
        body: <IssuedPage credential={shown.credential} back={credentialsPath(shown.did)} />,
      };
    case "webhooks":
      return {
        title: `Webhooks of ${shown.view.domain}`,
        body: <WebhooksPage view={shown.view} role={role} tested={shown.tested} />,
      };
    case "webhook-secret":
      return { title: "Receiver", body: <WebhookSecretPage {...shown} back={webhooksPath(shown.did)} /> };
    case "tokens":
      return {
        title: `API tokens of ${shown.view.domain}`,
        body: <TokensPage view={shown.view} role={role} />,
      };
    case "token":
      return { title: "New token", body: <TokenPage made={shown.made} back={tokensPath(shown.did)} /> };
    case "events":
      return {
        title: `What counted against ${shown.view.domain}`,
        body: <EventsPage view={shown.view} role={role} />,
      };
    case "tests":
      return {
        title: `Tests of ${shown.view.domain}`,
        body: <TestsPage view={shown.view} role={role} />,
        live: true,
        newsOf: shown.view.did,
      };
    case "settings":
      return {
        title: `Settings of ${shown.view.domain}`,
        body: <SettingsPage view={shown.view} role={role} />,
      };
  }
}

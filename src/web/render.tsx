import type { Child } from "hono/jsx";
import { layout, type NavItem } from "./layout.tsx";
import type { MeView } from "./account.ts";
import type { JoinView } from "./join-view.ts";
import { allowlistContent, type AllowlistShown } from "./pages/allowlist-mail.tsx";
import { FirstCredentialPage, JoinPage } from "./pages/join.tsx";
import { LogInPage, LoginFailedPage, MePage, OnwardPage } from "./pages/account.tsx";
import { CheckPage } from "./pages/check.tsx";
import { CommitteePage } from "./pages/committee.tsx";
import { MembersPage } from "./pages/committee-members.tsx";
import { EgressPage } from "./pages/egress.tsx";
import { MemberExportPage } from "./pages/member-export.tsx";
import { MemberLeavePage, type LeaveStep } from "./pages/member-leave.tsx";
import { MemberVouchesPage } from "./pages/member-vouches.tsx";
import { MemberPage } from "./pages/member.tsx";
import {
  FailurePage,
  ForbiddenPage,
  ForeignRequestPage,
  LoggedOutPage,
  LoginPage,
  NotDonePage,
  NotFoundPage,
  OpenLinkPage,
  type LoginReason,
} from "./pages/notices.tsx";
import type { EntryDetail } from "../inbox/index.ts";
import type { InboxList } from "./inbox-view.ts";
import { InboxEntryPage, InboxPage } from "./pages/inbox.tsx";
import { LabelPage } from "./pages/label.tsx";
import { DomainReportsPage, PoolReportsPage } from "./pages/reports.tsx";
import type { DomainReportsView, PoolReportsView } from "./report-view.ts";
import { ReplacedPage } from "./pages/replaced.tsx";
import { RulesPage } from "./pages/rules.tsx";
import type { RulesView } from "./rules-view.ts";
import { OverviewPage } from "./pages/overview.tsx";
import {
  CHECK_PATH,
  COMMITTEE_PATH,
  JOIN_PATH,
  LOGIN_PATH,
  INBOX_PATH,
  LOGOUT_PATH,
  ME_PATH,
  livePath,
  memberPath,
  RULES_PATH,
} from "./paths.ts";
import { DeliveryPage } from "./pages/delivery.tsx";
import { MessagePage, MessagesPage, TracePage } from "./pages/message-log.tsx";
import type { AskedMessages } from "./messages.ts";
import { portalContent, type PortalShown } from "./pages/portal.tsx";
import { ProvidersPage } from "./pages/providers.tsx";
import { MemberSuppressionsPage, PoolSuppressionsPage } from "./pages/suppressions.tsx";
import type { ProviderView } from "./provider-view.ts";
import type { MemberSuppressions, PoolSuppressions, SuppressionSearch } from "./suppression-view.ts";
import type { MemberExportView } from "./view-export.ts";
import type { MemberLeaveView } from "./view-leave.ts";
import type { VouchView } from "./view-vouch.ts";
import type { PersonRole } from "../account/index.ts";
import { homeOf, type Identity, type LinkIdentity } from "./session.ts";
import type {
  CheckAnswer,
  CommitteeOverview,
  EgressView,
  DeliveryView,
  LabelExplanation,
  MemberView,
  MessageFound,
  MessageLog,
  PortalRole,
  PublicOverview,
  ShownCredential,
} from "./view.ts";

/** What is shown: a page with what it shows. */
export type Rendered =
  | { page: "overview"; view: PublicOverview }
  | { page: "committee"; view: CommitteeOverview }
  | { page: "committee-members"; view: CommitteeOverview; asked: number }
  | { page: "committee-egress"; view: EgressView; asked: number }
  | { page: "member"; view: MemberView; role: PortalRole }
  | { page: "portal"; shown: PortalShown; role: PortalRole }
  | { page: "member-export"; view: MemberExportView; role: PersonRole | "committee" | null }
  | { page: "member-leave"; view: MemberLeaveView; role: PersonRole | "committee" | null; step: LeaveStep }
  | { page: "member-vouches"; view: VouchView; role: PersonRole | "committee" | null }
  | { page: "label"; view: LabelExplanation }
  | { page: "check"; answer: CheckAnswer | null; url: string }
  | { page: "rules"; view: RulesView }
  | { page: "allowlist"; shown: AllowlistShown }
  | { page: "log-in"; next: string; account: string; fault: string | null }
  | { page: "onward"; url: string }
  | { page: "login-failed"; why: string; purpose: "login" | "attest" | null; next: string }
  | { page: "me"; view: MeView }
  | { page: "join"; view: JoinView }
  | { page: "first-credential"; credential: ShownCredential }
  | { page: "login"; reason: Exclude<LoginReason, "used">; next?: string | undefined }
  | { page: "login"; reason: "used"; usedAt: number }
  | { page: "open-link"; token: string; identity: LinkIdentity; expiresAt: number }
  | { page: "committee-providers" | "member-providers"; view: ProviderView }
  | { page: "inbox"; view: InboxList }
  | { page: "inbox-entry"; entry: EntryDetail }
  | { page: "messages"; view: MessageLog; asked: AskedMessages; role: PortalRole }
  | { page: "delivery"; view: DeliveryView; role: PortalRole }
  | { page: "message"; view: MessageFound; role: PortalRole }
  | {
      page: "trace";
      view: MessageLog;
      address: string;
      suppressed: SuppressionSearch | null;
      role: PortalRole;
    }
  | { page: "suppressions"; view: MemberSuppressions; search: SuppressionSearch | null }
  | { page: "pool-suppressions"; view: PoolSuppressions; search: SuppressionSearch | null }
  | { page: "reports"; view: DomainReportsView }
  | { page: "pool-reports"; view: PoolReportsView }
  | { page: "replaced"; did: string; credentials: ShownCredential[] }
  | { page: "not-done"; why: string; back: string }
  | { page: "forbidden" | "foreign" | "logged-out" | "not-found" | "failure" };

const LIVE_SECONDS = 5;

/** The whole document of a page, for whoever looks at it. */
export function renderPage(shown: Rendered, viewer: Identity | null): string | Promise<string> {
  const { title, body, live, newsOf } = contentOf(shown, viewer);
  return layout({
    title,
    nav: navOf(shown, viewer),
    viewer: viewer === null ? null : { text: nameOf(viewer), logoutPath: LOGOUT_PATH },
    liveSeconds: live ? LIVE_SECONDS : undefined,
    newsPath: newsOf === undefined ? undefined : livePath(newsOf),
    children: body,
  });
}

type Content = {
  title: string;
  body: Child;
  /** It asks for itself again while it is open. */
  live?: boolean;
  /** The member whose news it waits for. */
  newsOf?: string;
};

function contentOf(shown: Rendered, viewer: Identity | null): Content {
  switch (shown.page) {
    case "overview":
      return { title: "Atmosphere Mail", body: <OverviewPage view={shown.view} />, live: true };
    case "committee":
      return { title: "Committee", body: <CommitteePage view={shown.view} />, live: true };
    case "committee-members":
      return {
        title: "Members",
        body: <MembersPage members={shown.view.members} asked={shown.asked} />,
        live: true,
      };
    case "committee-egress":
      return {
        title: "Where mail leaves from",
        body: <EgressPage view={shown.view} asked={shown.asked} />,
        live: true,
      };
    case "member": {
      const forCommittee = viewer?.role === "committee";
      const body = <MemberPage view={shown.view} role={shown.role} />;
      // Nobody's words are lost to a reload: a page on which the committee writes stands still.
      const writing =
        shown.view.membership === "applicant" || shown.view.pauses.some((pause) => pause.end === null);
      return { title: shown.view.domain, body, live: !(forCommittee && writing), newsOf: shown.view.did };
    }
    case "messages":
      return { title: `Messages of ${shown.view.domain}`, body: <MessagesPage {...shown} /> };
    case "message":
      return {
        title: `Message ${shown.view.message.id}`,
        body: <MessagePage {...shown} />,
        live: true,
        newsOf: shown.view.did,
      };
    case "delivery":
      return {
        title: `Delivery of ${shown.view.domain}`,
        body: <DeliveryPage {...shown} />,
        live: true,
        newsOf: shown.view.did,
      };
    case "trace":
      return { title: `Trace of ${shown.view.domain}`, body: <TracePage {...shown} /> };
    case "portal":
      return portalContent(shown.shown, shown.role);
    case "member-export":
      return { title: `Export of ${shown.view.domain}`, body: <MemberExportPage {...shown} /> };
    case "member-leave":
      return { title: `Leave: ${shown.view.domain}`, body: <MemberLeavePage {...shown} /> };
    case "member-vouches":
      return { title: `Vouching: ${shown.view.domain}`, body: <MemberVouchesPage {...shown} /> };
    case "label":
      return { title: `Labels of ${shown.view.subject}`, body: <LabelPage view={shown.view} /> };
    case "check":
      return { title: "Check a mail domain", body: <CheckPage {...shown} /> };
    case "rules":
      return { title: "Rules", body: <RulesPage view={shown.view} /> };
    case "allowlist":
      return allowlistContent(shown.shown);
    case "log-in":
      return { title: "Log in", body: <LogInPage {...shown} /> };
    case "onward":
      return { title: "Log in", body: <OnwardPage url={shown.url} /> };
    case "login-failed":
      return {
        title: shown.purpose === "attest" ? "Not written" : "Not logged in",
        body: <LoginFailedPage {...shown} />,
      };
    case "me":
      return { title: "You", body: <MePage view={shown.view} /> };
    case "join":
      return { title: "Join", body: <JoinPage view={shown.view} /> };
    case "first-credential":
      return { title: "New credential", body: <FirstCredentialPage credential={shown.credential} /> };
    case "login":
      return { title: "Log in", body: <LoginPage {...shown} /> };
    case "open-link":
      return { title: "Open a session", body: <OpenLinkPage {...shown} /> };
    case "committee-providers":
    case "member-providers": {
      const forCommittee = viewer?.role === "committee";
      const title = "What providers say";
      return { title, body: <ProvidersPage view={shown.view} forCommittee={forCommittee} /> };
    }
    case "inbox":
      return { title: "Inbox", body: <InboxPage view={shown.view} /> };
    case "inbox-entry":
      return { title: shown.entry.subject || "Inbox", body: <InboxEntryPage entry={shown.entry} /> };
    case "suppressions":
      return {
        title: `Suppressed recipients of ${shown.view.domain}`,
        body: <MemberSuppressionsPage {...shown} forCommittee={viewer?.role === "committee"} />,
      };
    case "pool-suppressions":
      return { title: "Suppressed recipients", body: <PoolSuppressionsPage {...shown} /> };
    case "reports":
      return {
        title: `Who sends as ${shown.view.domain}`,
        body: <DomainReportsPage view={shown.view} forCommittee={viewer?.role === "committee"} />,
      };
    case "pool-reports":
      return { title: "What others report", body: <PoolReportsPage view={shown.view} /> };
    case "replaced":
      return {
        title: "New credential",
        body: <ReplacedPage did={shown.did} credentials={shown.credentials} />,
      };
    case "not-done":
      return { title: "Not done", body: <NotDonePage why={shown.why} back={shown.back} /> };
    case "forbidden":
      return { title: "Not yours to see", body: <ForbiddenPage home={viewer ? homeOf(viewer) : "/"} /> };
    case "foreign":
      return { title: "Refused", body: <ForeignRequestPage /> };
    case "logged-out":
      return { title: "Logged out", body: <LoggedOutPage /> };
    case "not-found":
      return { title: "Not found", body: <NotFoundPage /> };
    case "failure":
      return { title: "Failure", body: <FailurePage /> };
  }
}

function navOf(shown: Rendered, viewer: Identity | null): NavItem[] {
  const items: NavItem[] = [
    { href: "/", text: "Overview", current: shown.page === "overview" },
    { href: CHECK_PATH, text: "Check a domain", current: shown.page === "check" },
    { href: RULES_PATH, text: "Rules", current: shown.page === "rules" },
  ];
  if (viewer?.role === "committee") {
    items.push({ href: COMMITTEE_PATH, text: "Committee", current: shown.page.startsWith("committee") });
    items.push({ href: INBOX_PATH, text: "Inbox", current: shown.page.startsWith("inbox") });
  }
  if (viewer?.role === "member") {
    items.push({
      href: memberPath(viewer.did),
      text: "Your page",
      current: ["member", "portal", "messages", "message", "trace", "delivery"].includes(shown.page),
    });
  }
  if (viewer === null) {
    items.push({ href: JOIN_PATH, text: "Join" });
    items.push({ href: LOGIN_PATH, text: "Log in", current: shown.page === "login" });
  }
  if (viewer?.role === "person") items.push({ href: ME_PATH, text: "You", current: shown.page === "me" });
  return items;
}

function nameOf(viewer: Identity): string {
  if (viewer.role === "person") return `Signed in: ${viewer.did}`;
  if (viewer.role === "member") return "Signed in: member";
  return `Signed in: committee${viewer.by === undefined ? "" : `, ${viewer.by}`}`;
}

import type { Child } from "hono/jsx";
import { Code, Time } from "../components.tsx";
import { LOGIN_PATH, loginPath } from "../paths.ts";
import type { LinkIdentity } from "../session.ts";

export type LoginReason = "absent" | "malformed" | "forged" | "expired" | "used";

const REASONS: Record<Exclude<LoginReason, "used">, string> = {
  absent: "This page is for members and the committee, and there is no session in this browser.",
  malformed: "This link is not whole. It may have been cut when it was copied.",
  forged: "This link was not made by this cooperative, or its key has changed since.",
  expired: "This link or session has expired.",
};

/** Why there is nothing to see without a session, and how to get one. */
export function LoginPage(props: { reason: LoginReason; usedAt?: number; next?: string | undefined }) {
  const { reason, usedAt, next } = props;
  return (
    <Notice
      title={reason === "used" ? "This link was used" : next === undefined ? "Log in by link" : "Log in"}
    >
      {reason === "used" ? <Used at={usedAt} /> : <p class="lede">{REASONS[reason]}</p>}
      {next === undefined ? null : (
        <p>
          <a class="button" href={loginPath(next)}>
            Log in with your account
          </a>
        </p>
      )}
      <p>
        There are no passwords here. A link is good for a quarter of an hour and opens one session; make{" "}
        {reason === "used" ? "another" : "one"} where the program runs, or ask the committee for it:
      </p>
      <Code label="For a member" text="atmos link did:plc:your-did" />
      <Code label="For the committee" text="atmos link --committee" />
      <p>
        <a href="/">To the public overview</a>
      </p>
    </Notice>
  );
}

function Used({ at }: { at: number | undefined }) {
  return (
    <>
      <p class="lede">
        It opened a session
        {at === undefined ? null : (
          <>
            {" "}
            at <Time at={at} />
          </>
        )}
        , and opens no second one.
      </p>
      <p>If it was not you who opened it, tell the committee now: whoever did can do what you can.</p>
    </>
  );
}

/** What a link shows: nothing happens before the button is pressed. */
export function OpenLinkPage(props: { token: string; identity: LinkIdentity; expiresAt: number }) {
  const { token, identity, expiresAt } = props;
  return (
    <Notice title="Open a session">
      <p class="lede">
        {identity.role === "committee" ? (
          <>
            This link opens the pages of the committee
            {identity.by === undefined ? "" : `, for ${identity.by}`}.
          </>
        ) : (
          <>
            This link opens the page of the member <code>{identity.did}</code>.
          </>
        )}
      </p>
      <p>
        It works once, in the browser in which you press the button, until <Time at={expiresAt} />.
      </p>
      <form method="post" action={LOGIN_PATH}>
        <input type="hidden" name="token" value={token} />
        <button type="submit">Open</button>
      </form>
    </Notice>
  );
}

export function ForbiddenPage({ home }: { home: string }) {
  return (
    <Notice title="Not yours to see">
      <p class="lede">
        A member's people see its own pages, and change what their role lets them; everything else is for the
        committee.
      </p>
      <p>
        <a href={home}>To your own page</a>
      </p>
    </Notice>
  );
}

/** A request that changes something and does not come from our own pages. */
export function ForeignRequestPage() {
  return (
    <Notice title="This request was refused">
      <p class="lede">
        It did not come from a page of this site. Go back to the site and press the button there.
      </p>
      <p>
        <a href="/">To the public overview</a>
      </p>
    </Notice>
  );
}

/** What was asked for was not done. */
export function NotDonePage({ why, back }: { why: string; back: string }) {
  return (
    <Notice title="This was not done">
      <p class="lede">{why}</p>
      <p>
        <a href={back}>Back</a>
      </p>
    </Notice>
  );
}

export function LoggedOutPage() {
  return (
    <Notice title="Logged out">
      <p class="lede">The session in this browser has ended. A new link opens another.</p>
      <p>
        <a href="/">To the public overview</a>
      </p>
    </Notice>
  );
}

export function NotFoundPage() {
  return (
    <Notice title="There is no such page">
      <p class="lede">The address may have been mistyped, or what was here has gone.</p>
      <p>
        <a href="/">To the public overview</a>
      </p>
    </Notice>
  );
}

export function FailurePage() {
  return (
    <Notice title="This page failed">
      <p class="lede">
        The fault is ours and has been recorded. Mail is not affected by it; try again in a minute.
      </p>
      <p>
        <a href="/">To the public overview</a>
      </p>
    </Notice>
  );
}

function Notice({ title, children }: { title: string; children?: Child }) {
  return (
    <div class="page-head notice">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

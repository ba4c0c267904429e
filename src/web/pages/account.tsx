import { EmptyState, Section, Time } from "../components.tsx";
import type { MeView } from "../account.ts";
import { JOIN_PATH, LOGIN_PATH, ME_PATH, memberPath } from "../paths.ts";

/** Where somebody says with which account it logs in. */
export function LogInPage({ next, account, fault }: { next: string; account: string; fault: string | null }) {
  return (
    <div class="page-head notice">
      <h1>Log in</h1>
      <p class="lede">
        With the account that you have: of your own PDS, of Bluesky, of any server in the Atmosphere. You
        agree there, and we learn who you are; we see no password and keep no key to your account.
      </p>
      <form method="post" action={LOGIN_PATH} class="log-in">
        <label for="account">Your handle</label>
        <input
          id="account"
          name="account"
          value={account}
          placeholder="ada.example"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          aria-describedby={fault === null ? undefined : "fault"}
          aria-invalid={fault === null ? undefined : "true"}
        />
        {fault === null ? null : (
          <p id="fault" role="alert">
            {fault}
          </p>
        )}
        {next === "" ? null : <input type="hidden" name="next" value={next} />}
        <button type="submit">Go on</button>
      </form>
      <p>
        No account is needed to <a href="/check">check a domain</a>. Whoever runs the cooperative can also
        give you a link that opens your page.
      </p>
    </div>
  );
}

/** Between our form and the person's own server. */
export function OnwardPage({ url }: { url: string }) {
  return (
    <div class="page-head notice">
      <h1>On to {new URL(url).host}</h1>
      <p class="lede">Your own server asks you there whether you agree, and brings you back.</p>
      <p>
        <a href={url} class="button" data-onward>
          Go on
        </a>
      </p>
    </div>
  );
}

export function LoginFailedPage(props: { why: string; purpose: "login" | "attest" | null; next: string }) {
  const { why, purpose, next } = props;
  return (
    <div class="page-head notice">
      <h1>{purpose === "attest" ? "The record was not written" : "You are not logged in"}</h1>
      <p class="lede">{why}</p>
      <p>
        <a href={next === "" ? LOGIN_PATH : `${LOGIN_PATH}?${new URLSearchParams({ next })}`}>Try again</a>
      </p>
    </div>
  );
}

export function MePage({ view }: { view: MeView }) {
  const { did, members, sessions } = view;
  return (
    <>
      <div class="page-head">
        <h1>You</h1>
        <p class="lede">
          Logged in as <code>{did}</code>.
        </p>
      </div>
      <Section id="members" title="Members that you act for">
        {members.length === 0 ? (
          <EmptyState title="None yet">
            This account is no member, and no member has named it among its people. Ask a member to add you,
            or <a href={JOIN_PATH}>join</a> with a domain of your own.
          </EmptyState>
        ) : (
          <ul class="plain">
            {members.map((member) => (
              <li>
                <a href={memberPath(member.did)}>{member.name}</a>, as {member.role}
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section id="sessions" title="Where you are logged in">
        <ul class="plain">
          {sessions.map((session) => (
            <li>
              <form method="post" action={`${ME_PATH}/sessions`}>
                Since <Time at={session.beganAt} />, last used <Time at={session.seenAt} />
                {session.browser === "" ? "" : `, ${session.browser}`}{" "}
                {session.isThis ? (
                  <strong>this browser</strong>
                ) : (
                  <button type="submit" name="end" value={session.id}>
                    End
                  </button>
                )}
              </form>
            </li>
          ))}
        </ul>
        {sessions.length > 1 ? (
          <form method="post" action={`${ME_PATH}/sessions`}>
            <button type="submit" name="end" value="others">
              End all others
            </button>
          </form>
        ) : null}
      </Section>
    </>
  );
}

import {
  isTokenInUse,
  TOKEN_DAYS,
  TOKEN_SCOPES,
  type TokenScope,
  type TokenView,
} from "../../account/index.ts";
import { Badge, Code, DataTable, EmptyState, Section, Time } from "../components.tsx";
import { tokensPath } from "../paths.ts";
import type { PortalRole, ShownToken, TokensView } from "../view-portal.ts";
import { formatCount } from "../words.ts";
import { PortalForm, PortalHead, whyNot } from "./portal-parts.tsx";

const SCOPE_WORDS: Record<TokenScope, string> = {
  read: "read: sees standing, limits, domains, credentials without secrets, webhook, settings, delivery, reports and providers' figures",
  messages:
    "messages: reads the log of messages and who is suppressed, and traces an address; recipients are masked",
  domains: "domains: adds domains, turns their keys, takes them out",
  credentials: "credentials: makes credentials, with which mail is sent, and revokes them",
  webhooks: "webhooks: names the receiver of your webhook, tries it, removes it",
  settings: "settings: chooses where you are told of your mail, and where replies go",
  standing: "standing: appeals a change of your standing, says what you have mended",
  pauses:
    "pauses: answers a pause, which lets waiting mail go or drops it, and gets the credentials that replace yours",
  suppressions: "suppressions: lets you write to a suppressed recipient again",
  export: "export: takes along everything that is kept about you; recipients are masked",
};

/** With what a member's own programs do what its pages do. */
export function TokensPage({ view, role }: { view: TokensView; role: PortalRole }) {
  const why = whyNot(role, view);
  const isInUse = (token: TokenView) => isTokenInUse(token, view.asOf);
  return (
    <>
      <PortalHead
        frame={view}
        current="tokens"
        title="API tokens"
        role={role}
        lede="A program of yours can do what these pages do, with a token that may do just what it needs. Who acts for you is changed by people only, and so are tokens; people alone vouch, leave and delete."
      />
      <InUse did={view.did} tokens={view.tokens.filter(isInUse)} why={why} />
      <Ended tokens={view.tokens.filter((token) => !isInUse(token))} />
      <New did={view.did} why={why} />
    </>
  );
}

function InUse({ did, tokens, why }: { did: string; tokens: TokenView[]; why: string | null }) {
  return (
    <Section id="tokens" title="In use" intro="What each may do, and when it was used last." wide>
      {tokens.length === 0 ? (
        <EmptyState title="No token is in use" />
      ) : (
        <DataTable
          caption="Tokens in use"
          hideCaption
          columns={[
            { label: "Name" },
            { label: "May" },
            { label: "Last used" },
            { label: "Ends" },
            { label: "Made" },
            { label: "" },
          ]}
          rows={tokens.map(({ id, name, scopes, usedAt, endsAt, madeAt, madeBy }) => ({
            key: id,
            cells: [
              <>
                {name} <code class="beneath">{id}</code>
              </>,
              scopes.join(", "),
              usedAt === null ? "never" : <Time at={usedAt} />,
              <Time at={endsAt} dateOnly />,
              <>
                <Time at={madeAt} dateOnly />, by {madeBy}
              </>,
              <details id={`revoke-${id}`}>
                <summary aria-label={`Revoke ${name}`}>Revoke</summary>
                <PortalForm action={`${tokensPath(did)}/${encodeURIComponent(id)}/revoke`} why={why}>
                  <p class="small">For good: the program that has it is refused from its next call on.</p>
                  <button type="submit" class="grave">
                    Revoke {name}
                  </button>
                </PortalForm>
              </details>,
            ],
          }))}
        />
      )}
    </Section>
  );
}

function Ended({ tokens }: { tokens: TokenView[] }) {
  if (tokens.length === 0) return null;
  return (
    <details id="ended-tokens">
      <summary>
        {formatCount(tokens.length)} {tokens.length === 1 ? "has" : "have"} ended in the last 30 days
      </summary>
      <ul class="plain">
        {tokens.map(({ id, name, endsAt, revoked }) => (
          <li data-key={id}>
            <Badge>{name}</Badge>{" "}
            <span class="soft small">
              {revoked === null ? (
                <>
                  ended on <Time at={endsAt} dateOnly />
                </>
              ) : (
                <>
                  revoked on <Time at={revoked.at} dateOnly />, by {revoked.by}
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function New({ did, why }: { did: string; why: string | null }) {
  return (
    <Section id="new" title="A new token" intro="It is shown once, on the next page.">
      <PortalForm action={tokensPath(did)} why={why} class="stack">
        <p class="field">
          <label for="token-name">What uses it</label>
          <input id="token-name" name="name" maxlength={64} required aria-describedby="token-name-hint" />
          <small id="token-name-hint">The program: monitor, deploy script, sign-up service.</small>
        </p>
        <fieldset class="checks">
          <legend>What it may do</legend>
          {TOKEN_SCOPES.map((scope) => (
            <label>
              <input type="checkbox" name="scopes" value={scope} checked={scope === "read"} />{" "}
              {SCOPE_WORDS[scope]}
            </label>
          ))}
        </fieldset>
        <p class="field">
          <label for="token-days">Days until it ends</label>
          <input
            id="token-days"
            name="days"
            type="number"
            min={1}
            max={TOKEN_DAYS.most}
            value={String(TOKEN_DAYS.usual)}
            inputmode="numeric"
            required
          />
        </p>
        <p>
          <button type="submit">Make it</button>
        </p>
      </PortalForm>
    </Section>
  );
}

/** A token with what it says: the one time that it is seen. */
export function TokenPage({ made: { secret, token }, back }: { made: ShownToken; back: string }) {
  return (
    <div class="page-head notice">
      <h1>Your token “{token.name}”</h1>
      <p class="lede">
        It is shown here once: copy it before you leave this page. It may: {token.scopes.join(", ")}. It ends
        on <Time at={token.endsAt} dateOnly />.
      </p>
      <Code label="Token" text={secret} />
      <p>
        Your program sends it in the header <code>Authorization: Bearer</code>. Whoever has it acts for you:
        keep it as you keep a password.
      </p>
      <p>
        <a href={back}>I have copied it: go on</a>
      </p>
    </div>
  );
}

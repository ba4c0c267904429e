import { DataTable, EmptyState, layout } from "../../../web/index.ts";
import type { PushedRequest } from "./grants.ts";
import { scopeInWords } from "./scope.ts";

type Person = { did: string; handle: string };

const BRAND = { text: "Repository host", href: "/" };
const FOOTER = (
  <p>A repository host of the sandbox. It asks for no password: whoever sits here is everybody.</p>
);

export type ConsentProps = {
  request: PushedRequest;
  requestUri: string;
  /** Whom the client named stands first. */
  people: readonly Person[];
};

/** Who are you, and may this client do that? */
export function consentPage({ request, requestUri, people }: ConsentProps) {
  const { clientName, clientId, scope, redirectUri } = request;
  const host = URL.parse(redirectUri)?.host ?? redirectUri;
  return layout({
    title: "Sign in",
    brand: BRAND,
    footer: FOOTER,
    children: (
      <>
        <div class="page-head">
          <h1>Sign in at {host}</h1>
          <p class="lede">
            {clientName}
            {clientId.startsWith("https:") ? (
              <>
                {" "}
                (<code>{clientId}</code>)
              </>
            ) : null}{" "}
            asks this host who you are. It wants to:
          </p>
          <ul>
            {scopeInWords(scope).map((words) => (
              <li>{words}</li>
            ))}
          </ul>
        </div>
        <form class="decide options" method="post" action="/oauth/authorize">
          <input type="hidden" name="client_id" value={clientId} />
          <input type="hidden" name="request_uri" value={requestUri} />
          <fieldset>
            <legend>As whom?</legend>
            {people.map(({ did, handle }, i) => (
              <label>
                <input type="radio" name="did" value={did} checked={i === 0} required /> {handle}
              </label>
            ))}
          </fieldset>
          <p>
            <button type="submit" name="decision" value="allow">
              Allow
            </button>{" "}
            <button type="submit" name="decision" value="deny" formnovalidate>
              Deny
            </button>
          </p>
        </form>
      </>
    ),
  });
}

export function faultPage(why: string) {
  return layout({
    title: "Not possible",
    brand: BRAND,
    footer: FOOTER,
    children: (
      <EmptyState title="This sign-in cannot go on">
        <p>{why}</p>
      </EmptyState>
    ),
  });
}

/** Everybody who has an account here, with the password by which programs log in. */
export function peoplePage(people: readonly (Person & { password: string })[]) {
  return layout({
    title: "Accounts",
    brand: BRAND,
    footer: FOOTER,
    children: (
      <>
        <div class="page-head">
          <h1>Accounts of this host</h1>
          <p class="lede">
            Each has a repository here. In a browser nobody asks for a password; a program logs in with the
            app password (<code>com.atproto.server.createSession</code>).
          </p>
        </div>
        <DataTable
          caption={`${people.length} accounts`}
          columns={["Handle", "DID", "App password"].map((label) => ({ label }))}
          rows={people.map(({ did, handle, password }) => ({
            key: did,
            cells: [handle, <code>{did}</code>, <code>{password}</code>],
          }))}
        />
      </>
    ),
  });
}

import { Card, Code } from "../components.tsx";
import { memberPath } from "../paths.ts";
import type { ShownCredential } from "../view.ts";

/** New credentials with their secrets: the one time that they are seen. */
export function ReplacedPage({ did, credentials }: { did: string; credentials: ShownCredential[] }) {
  return (
    <div class="page-head notice">
      <h1>{credentials.length === 1 ? "Your new credential" : "Your new credentials"}</h1>
      <p class="lede">
        The old {credentials.length === 1 ? "one is" : "ones are"} revoked. The new secret is shown here once:
        copy it before you leave this page.
      </p>
      {credentials.map(({ name, username, secret, lines }) => (
        <Card>
          <h2>{name}</h2>
          <Code
            label="For a PDS: replace these lines of its environment file, and start it again"
            text={lines}
          />
          <details>
            <summary>For another program</summary>
            <Code label="User name" text={username} />
            <Code label="Secret" text={secret} />
          </details>
        </Card>
      ))}
      <p>
        <a href={memberPath(did)}>I have copied it: to your page</a>
      </p>
    </div>
  );
}

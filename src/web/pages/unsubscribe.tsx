import type { HtmlEscapedString } from "hono/utils/html";
import { layout } from "../layout.tsx";

/** What somebody sees who follows the address of List-Unsubscribe. It names domains, and never an address. */
export type UnsubscribeView =
  | { page: "ask" | "done"; from: string; domain: string }
  | { page: "unknown" | "failed" };

export function renderUnsubscribe(view: UnsubscribeView): HtmlEscapedString | Promise<HtmlEscapedString> {
  return layout({ title: TITLES[view.page], children: <UnsubscribePage view={view} /> });
}

const TITLES: Record<UnsubscribeView["page"], string> = {
  ask: "Unsubscribe",
  done: "You are unsubscribed",
  unknown: "This link is of no use",
  failed: "Not done",
};

function UnsubscribePage({ view }: { view: UnsubscribeView }) {
  return (
    <div class="page-head notice">
      <h1>{TITLES[view.page]}</h1>
      <Words view={view} />
    </div>
  );
}

function Words({ view }: { view: UnsubscribeView }) {
  switch (view.page) {
    case "ask":
      return (
        <>
          <p class="lede">
            Stop newsletters and other bulk mail from <strong>{view.from}</strong> to your address at{" "}
            {view.domain}?
          </p>
          <form method="post" class="decide">
            <input type="hidden" name="List-Unsubscribe" value="One-Click" />
            <button type="submit">Unsubscribe</button>
          </form>
          <p class="soft">
            What you ask for yourself, such as a login code or a new password, still reaches you. Nothing
            happens before you press the button.
          </p>
        </>
      );
    case "done":
      return (
        <>
          <p class="lede">
            No more bulk mail from <strong>{view.from}</strong> goes to your address at {view.domain}.
          </p>
          <p class="soft">
            A message that is on its way already may still arrive. Login codes and what else you ask for
            yourself still reach you. To have the newsletter again, subscribe where you did before.
          </p>
        </>
      );
    case "unknown":
      return (
        <p class="lede">
          It was cut, changed, or is older than 400 days. Take the link of a newer message, or write to its
          sender.
        </p>
      );
    case "failed":
      return <p class="lede">It failed on our side and nothing was changed. Try again in a minute.</p>;
  }
}

import type { MailReceipt } from "../../notice/index.ts";
import { Time } from "../components.tsx";

/** Why nobody was written to. */
const NOT_TOLD: Partial<Record<MailReceipt["state"], string>> = {
  "no-contact": "the application gives no mail address",
  "too-many": "it got its share of such mails before",
};

/** What became of the mail that told a member of something. */
export function MailLine({ receipt }: { receipt: MailReceipt }) {
  const { at, to, state, stateAt, reply } = receipt;
  const why = NOT_TOLD[state];
  if (why !== undefined) return <>Not told by mail: {why}</>;
  return (
    <>
      Told by mail at <Time at={at} />, to {to}:{" "}
      {state === "waiting" ? (
        "on its way"
      ) : state === "delivered" ? (
        <>
          delivered <Time at={stateAt} />
        </>
      ) : (
        `failed (${reply})`
      )}
    </>
  );
}

/** The same in a few words, for a table. */
export function mailWords({ state, to }: MailReceipt): string {
  if (NOT_TOLD[state] !== undefined) return "not told by mail";
  return {
    waiting: `mail to ${to} on its way`,
    delivered: `by mail to ${to}`,
    failed: `mail to ${to} failed`,
  }[state as "waiting" | "delivered" | "failed"];
}

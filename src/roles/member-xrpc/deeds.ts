import { STREAMS, type BounceChoice } from "../../policy/index.ts";
import * as addLexicon from "../../protocol/lexicon/community/email/addDomain.ts";
import * as appealLexicon from "../../protocol/lexicon/community/email/appeal.ts";
import * as remedyLexicon from "../../protocol/lexicon/community/email/confirmRemedy.ts";
import * as issueLexicon from "../../protocol/lexicon/community/email/issueCredential.ts";
import * as makeTestLexicon from "../../protocol/lexicon/community/email/makeTest.ts";
import * as removeDomainLexicon from "../../protocol/lexicon/community/email/removeDomain.ts";
import * as removeWebhookLexicon from "../../protocol/lexicon/community/email/removeWebhook.ts";
import * as revokeLexicon from "../../protocol/lexicon/community/email/revokeCredential.ts";
import * as rotateLexicon from "../../protocol/lexicon/community/email/rotateKeys.ts";
import * as setWebhookLexicon from "../../protocol/lexicon/community/email/setWebhook.ts";
import * as testWebhookLexicon from "../../protocol/lexicon/community/email/testWebhook.ts";
import * as settingsLexicon from "../../protocol/lexicon/community/email/updateSettings.ts";
import { datetime } from "../xrpc-view.ts";
import { Fault } from "../xrpc-methods.ts";
import { orFault } from "./faults.ts";
import type { MemberXrpcParts, Methods } from "./index.ts";
import { testBody } from "./view-test.ts";
import { rotationBody, settingsBody } from "./view-member.ts";
import { present } from "./view-parts.ts";

const invalid = (message: string) => new Fault(400, "InvalidRequest", message);

/** What is done: by the same functions as on the member's pages. */
export function serveDeeds(methods: Methods, parts: MemberXrpcParts): void {
  serveDomains(methods, parts);
  serveTests(methods, parts);
  serveCredentials(methods, parts);
  serveWebhook(methods, parts);
  serveSettings(methods, parts);
  serveStanding(methods, parts);
}

function serveDomains({ procedure }: Methods, { desk: { domains } }: MemberXrpcParts): void {
  procedure("addDomain", "domains", addLexicon.$input.schema, async (did, { domain }) =>
    orFault(
      await domains.add(did, domain),
      (added) => ({ domain: added.domain, records: added.records }) satisfies addLexicon.$OutputBody,
    ),
  );
  const turns = { rotate: domains.rotate, hurry: domains.hurryRotation, cancel: domains.cancelRotation };
  const isTurn = (action: string): action is keyof typeof turns => Object.hasOwn(turns, action);
  procedure("rotateKeys", "domains", rotateLexicon.$input.schema, async (did, { domain, action }) =>
    isTurn(action)
      ? orFault(await turns[action](did, domain), rotationBody)
      : invalid(`action is one of: ${Object.keys(turns).join(", ")}.`),
  );
  procedure("removeDomain", "domains", removeDomainLexicon.$input.schema, async (did, { domain }, { by }) =>
    orFault(
      await domains.remove(did, domain, by),
      ({ domain, narrowed, revoked }) =>
        ({ domain, narrowed, revoked }) satisfies removeDomainLexicon.$OutputBody,
    ),
  );
}

function serveTests({ procedure }: Methods, { desk: { tests } }: MemberXrpcParts): void {
  procedure("makeTest", "domains", makeTestLexicon.$input.schema, async (did, { domain }, { by }) =>
    orFault(
      domain === undefined ? tests.make(did, by) : await tests.send(did, domain, by),
      (made) => testBody(made) satisfies makeTestLexicon.$OutputBody,
    ),
  );
}

function serveCredentials({ procedure }: Methods, { desk: { credentials } }: MemberXrpcParts): void {
  procedure("issueCredential", "credentials", issueLexicon.$input.schema, async (did, input) => {
    const { name, domains, streams: wanted, hourly = null, daily = null } = input;
    const streams = STREAMS.filter((one) => wanted?.includes(one) ?? true);
    if (streams.length === 0 || wanted?.some((one) => !streams.some((known) => known === one)))
      return invalid(`streams are some of: ${STREAMS.join(", ")}.`);
    const wish = { name: name.trim(), domains, streams, hourly, daily };
    if (wish.name === "") return invalid("Give it a name.");
    return orFault(await credentials.make(did, wish), (made) => {
      const { id, name, username, secret, domains, lines: environment } = made;
      return { id, name, username, secret, domains, environment } satisfies issueLexicon.$OutputBody;
    });
  });
  procedure("revokeCredential", "credentials", revokeLexicon.$input.schema, async (did, { id }, { by }) =>
    orFault(await credentials.revoke(did, id, by), ({ id }) => ({ id }) satisfies revokeLexicon.$OutputBody),
  );
}

function serveWebhook({ procedure }: Methods, { desk: { webhook } }: MemberXrpcParts): void {
  procedure("setWebhook", "webhooks", setWebhookLexicon.$input.schema, (did, { url }, { by }) =>
    orFault(
      webhook.set(did, url, by),
      ({ url, secret }) => ({ url, secret }) satisfies setWebhookLexicon.$OutputBody,
    ),
  );
  procedure("removeWebhook", "webhooks", removeWebhookLexicon.$input.schema, (did, _, { by }) =>
    orFault(webhook.remove(did, by), () => ({})),
  );
  procedure("testWebhook", "webhooks", testWebhookLexicon.$input.schema, async (did) =>
    orFault(
      await webhook.test(did),
      ({ ok, status, why }) =>
        present({ ok, status, why: why === "" ? null : why }) satisfies testWebhookLexicon.$OutputBody,
    ),
  );
}

function serveSettings(
  { procedure }: Methods,
  { desk: { settings }, shown: { core } }: MemberXrpcParts,
): void {
  procedure("updateSettings", "settings", settingsLexicon.$input.schema, async (did, input) => {
    const { bounces, replies } = input;
    // One of two that was done while the other was refused would be no answer.
    if ((bounces === undefined) === (replies === undefined))
      return invalid("Send either bounces or replies: one thing in a call.");
    const choice = bounces && choiceOf(bounces);
    if (choice instanceof Fault) return choice;
    const done = choice
      ? await settings.setBounces(did, choice)
      : await settings.setReplies(did, replies ?? null);
    if ("error" in done) return orFault(done);
    return orFault(
      settings.of(did),
      (now) => settingsBody(now, core.people.of(did)) satisfies settingsLexicon.$OutputBody,
    );
  });
}

function choiceOf({ to, address }: { to: string; address?: string | undefined }): BounceChoice | Fault {
  if (to === "sender" || to === "nobody") return { to };
  if (to === "address" && address !== undefined) return { to, address: address.trim() };
  return invalid("bounces.to is sender, nobody, or address with an address.");
}

function serveStanding({ procedure }: Methods, { desk: { standing } }: MemberXrpcParts): void {
  procedure("appeal", "standing", appealLexicon.$input.schema, async (did, { change, words }, { by }) =>
    words.trim() === ""
      ? invalid("Say it in words.")
      : orFault(await standing.appeal(did, change, words.trim(), by), (said) => {
          const { case: number, words, openedAt, dueAt } = said;
          return {
            case: number,
            change,
            words,
            openedAt: datetime(openedAt),
            dueAt: datetime(dueAt),
          } satisfies appealLexicon.$OutputBody;
        }),
  );
  procedure("confirmRemedy", "standing", remedyLexicon.$input.schema, async (did, { words }) =>
    words.trim() === ""
      ? invalid("Say it in words.")
      : orFault(
          await standing.remedy(did, words.trim()),
          ({ standing, waits }) => ({ standing, waits }) satisfies remedyLexicon.$OutputBody,
        ),
  );
}

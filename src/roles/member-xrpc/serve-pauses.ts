import * as answerLexicon from "../../protocol/lexicon/community/email/answerPause.ts";
import { ANSWER_WORDS } from "../../standing/index.ts";
import { Fault } from "../xrpc-methods.ts";
import { orFault } from "./faults.ts";
import type { MemberXrpcParts, Methods } from "./index.ts";

const isAnswer = (answer: string): answer is keyof typeof ANSWER_WORDS => Object.hasOwn(ANSWER_WORDS, answer);

/** The end of a pause that a breaker began. A person's is ended by the committee. */
export function servePauses({ procedure }: Methods, { desk: { pauses } }: MemberXrpcParts): void {
  procedure("answerPause", "pauses", answerLexicon.$input.schema, async (did, input, { by }) => {
    const { pause, answer, reason = "" } = input;
    if (!isAnswer(answer))
      return new Fault(400, "InvalidRequest", `answer is one of: ${Object.keys(ANSWER_WORDS).join(", ")}.`);
    const why = reason.trim() || ANSWER_WORDS[answer];
    return orFault(
      await pauses.answer(did, pause, answer, { who: "member", by }, why),
      ({ credentials }) =>
        ({
          credentials: credentials.map(({ id, name, username, secret, domains, lines }) => ({
            id,
            name,
            username,
            secret,
            domains,
            environment: lines,
          })),
        }) satisfies answerLexicon.$OutputBody,
    );
  });
}

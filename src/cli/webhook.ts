import { apiOf } from "./api.ts";
import { memberPath, who, type Decided } from "./member.ts";
import { EXIT, outputFor, plain, type Output } from "./output.ts";

type Receiver = {
  url: string;
  setAt: string;
  setBy: string;
  failing: { since: string } | null;
  stopped: { at: string; why: string } | null;
};
type Message = {
  about: string;
  type: string;
  at: string;
  state: string;
  tries: number;
  nextAt: string | null;
  why: string;
};

/** Shows a member's receiver and what it was told, names another, or asks it with a test. Exit 1 when a test fails. */
export async function memberWebhook(
  did: string,
  options: Decided & { url?: string; none?: boolean; test?: boolean },
): Promise<number> {
  const out = outputFor(options);
  const api = apiOf(options.env);
  const path = memberPath(did, "/webhook");
  if (options.test) return tested(out, await api("POST", `${path}/test`, {}));
  if (options.none) {
    out.result(await api("POST", path, { url: null, ...who(options) }));
    out.say(`${did}: no program is told any more.`);
    return EXIT.ok;
  }
  if (options.url !== undefined) {
    const set = await api("POST", path, { url: options.url, ...who(options) });
    out.say(`${did}: told at ${plain(String(set["url"]))}.`);
    out.say("Its messages are signed as Standard Webhooks says; the secret is shown this once:");
    out.say(String(set["secret"]));
    out.say(`Try it: atmos member webhook ${did} --test`);
    out.result(set);
    return EXIT.ok;
  }
  const view = await api("GET", path);
  show(out, did, view["receiver"] as Receiver | null, view["messages"] as Message[]);
  out.result(view);
  return EXIT.ok;
}

function tested(out: Output, answer: Record<string, unknown>): number {
  const ok = answer["ok"] === true;
  out.say(ok ? `It answered ${String(answer["status"])}.` : `It failed: ${plain(String(answer["why"]))}`);
  out.result(answer);
  return ok ? EXIT.ok : EXIT.fault;
}

function show(out: Output, did: string, receiver: Receiver | null, messages: readonly Message[]): void {
  if (!receiver) {
    out.say(`${did}: no program is told. Name one: atmos member webhook ${did} --url https://...`);
    return;
  }
  out.say(
    `${did}: told at ${plain(receiver.url)}, named ${when(receiver.setAt)} by ${plain(receiver.setBy)}`,
  );
  if (receiver.stopped)
    out.say(
      `It is asked no more since ${when(receiver.stopped.at)} (${plain(receiver.stopped.why)}): name it again.`,
    );
  else if (receiver.failing) out.say(`Nothing has worked since ${when(receiver.failing.since)}.`);
  for (const { at, type, about, state, tries, nextAt, why } of messages) {
    const next = nextAt === null || state !== "waiting" ? "" : `, again ${when(nextAt)}`;
    const reason = why === "" ? "" : ` (${plain(why)})`;
    out.say(`${when(at)}  ${type.padEnd(20)} ${plain(about)}: ${state} after ${tries}${next}${reason}`);
  }
}

const when = (at: string) => `${at.slice(0, 16).replace("T", " ")} UTC`;

import { userInfo } from "node:os";
import type { LabelerState, PublishOutcome } from "../../allowlist/index.ts";
import type { WithIsoTimes } from "../../lib/iso-times.ts";
import { apiOf } from "../api.ts";
import { EXIT, outputFor, plain } from "../output.ts";

type Common = { env?: string; json?: boolean };
type Labeler = WithIsoTimes<LabelerState>;
type Status = {
  zone: string;
  serial: number;
  issuedAt: string;
  goodAt: string;
  entries: number;
  waiting: number;
  labelers: Labeler[];
};

/** `atmos allowlist status`: the list that runs here, and what waits to come into it. */
export async function allowlistStatus(options: Common): Promise<number> {
  const out = outputFor(options);
  const status = (await apiOf(options.env)("GET", "/allowlist/status")) as Status;
  out.say(`List       ${status.zone}, serial ${status.serial}, issued ${status.issuedAt}`);
  out.say(`Entries    ${status.entries}`);
  out.say(`Known good ${status.goodAt}`);
  out.say(
    status.waiting === 0
      ? "Waiting    nothing"
      : `Waiting    ${status.waiting} new entries. Look where they come from; then: atmos allowlist release`,
  );
  for (const { did, connected, heardAt, refused, fault } of status.labelers)
    out.say(
      plain(
        `Labeler    ${did}: ${connected ? "connected" : "not connected"}, last heard ${heardAt}, ${refused} labels refused${fault && `: ${fault}`}`,
      ),
    );
  out.result(status);
  return EXIT.ok;
}

/** `atmos allowlist release`: lets in what the guard over growth holds back. */
export async function allowlistRelease(options: Common & { by?: string }): Promise<number> {
  const out = outputFor(options);
  const answer = (await apiOf(options.env)("POST", "/allowlist/release", {
    by: options.by ?? userInfo().username,
  })) as Status & { released: number; published: PublishOutcome };
  out.say(answer.released === 0 ? "Nothing waited." : `${answer.released} entries were let in.`);
  if (answer.published.outcome === "refused") out.say(plain(`Not published: ${answer.published.why}`));
  out.result(answer);
  return answer.published.outcome === "refused" ? EXIT.fault : EXIT.ok;
}

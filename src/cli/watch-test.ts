import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Target } from "../protocol/submission-check/index.ts";
import { CommandError, EXIT, plain, type Output } from "./output.ts";

const Made = z.object({ id: z.string(), address: z.string() });
const Arrival = z.object({
  at: z.string(),
  passed: z.boolean(),
  message: z.string().nullable(),
  verdicts: z.array(
    z.object({
      name: z.string(),
      outcome: z.enum(["pass", "warn", "fail"]),
      text: z.string(),
      remedy: z.string().optional(),
    }),
  ),
});
const Found = z.object({ arrivals: z.array(Arrival) });
type ArrivalSeen = z.infer<typeof Arrival>;

/** A test at the cooperative, with the credential that it is sent with. */
export type WatchedTest = {
  id: string;
  address: string;
  watch(out: Output): Promise<ArrivalSeen | undefined>;
};

const TIMEOUT_MS = 15_000;
const LOOK_MS = 1_000;
const PATIENCE_MS = 120_000;
const MARKS = { pass: "good", warn: "better", fail: "to mend" };

/** Has the cooperative make an address for a test. `coop`: its site. @throws CommandError */
export async function makeWatchedTest(
  coop: string | undefined,
  { user, pass }: Pick<Target, "user" | "pass">,
  patienceMs = PATIENCE_MS,
): Promise<WatchedTest> {
  const base = siteOf(coop);
  const ask = async <T>(method: string, path: string, shape: z.ZodType<T>): Promise<T> => {
    const response = await fetch(new URL(`/v1/tests${path}`, base), {
      method,
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { authorization: `Basic ${Buffer.from(`${user}:${pass}`).toString("base64")}` },
    }).catch((error: Error) => {
      throw new CommandError(`${base.origin} does not answer: ${error.message}. Look at --coop.`, EXIT.fault);
    });
    const body = (await response.json().catch(() => ({}))) as { message?: unknown };
    if (!response.ok)
      throw new CommandError(plain(String(body.message ?? `It answered ${response.status}.`)), EXIT.fault);
    const parsed = shape.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new CommandError(`${base.origin} is no cooperative's site: look at --coop.`, EXIT.fault);
  };
  const { id, address } = await ask("POST", "", Made);
  return {
    id,
    address,
    async watch(out) {
      out.say("Waiting until it arrives...");
      const until = Date.now() + patienceMs;
      for (;;) {
        const [arrival] = (await ask("GET", `/${id}`, Found)).arrivals;
        if (arrival || Date.now() >= until) return arrival;
        await sleep(LOOK_MS);
      }
    },
  };
}

/** What vouches for it, a line each. */
export function sayVerdicts(out: Output, { verdicts }: ArrivalSeen): void {
  for (const { name, outcome, text, remedy } of verdicts) {
    out.say(`${name.padEnd(5)}  ${MARKS[outcome].padEnd(7)}  ${plain(text)}`);
    if (remedy !== undefined) out.say(`                What to do: ${plain(remedy)}`);
  }
}

function siteOf(coop: string | undefined): URL {
  const url = coop !== undefined && URL.canParse(coop) ? new URL(coop) : undefined;
  const isHere = url !== undefined && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isHere)) return url;
  if (url?.protocol === "http:")
    throw new CommandError(
      "The secret would go over the network in clear: name --coop as https.",
      EXIT.usage,
    );
  throw new CommandError(
    "Name the cooperative's site with --coop, such as https://mail.example.org: --watch asks it what came.",
    EXIT.usage,
  );
}

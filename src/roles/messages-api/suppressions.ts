import type { Context, Env, Hono } from "hono";
import { systemClock } from "../../lib/clock.ts";
import { parseAddress, type Refusal, type Who } from "../../relay/index.ts";
import type { ToldSuppression } from "../../suppression/index.ts";
import type { SuppressionNode } from "../suppression-node.ts";
import { problem } from "./outcome.ts";
import { suppressionQuery, type SuppressionList, type SuppressionReleased } from "./schemas-suppression.ts";

export type SuppressionDoor<E extends Env = Env> = {
  suppressions: Pick<SuppressionNode, "of" | "about" | "askRelease">;
  authenticate: (c: Context<E>) => Who | Refusal;
  refuse: (c: Context, refusal: Refusal) => Response;
};

/** Core is asked by the bus, and this node hears of it within a second. */
const WAIT_MS = 2_000;
const LOOK_MS = 25;
const NO_ADDRESS = problem("malformed", "That is not an address, such as ada@example.com");

/** `GET /suppressions`, `DELETE /suppressions/ADDRESS`: a member's own programs look and release. */
export function suppressionDoor<E extends Env>(
  app: Hono<E>,
  { suppressions, authenticate, refuse }: SuppressionDoor<E>,
): void {
  app.get("/suppressions", (c) => {
    const who = authenticate(c);
    if ("code" in who) return refuse(c, who);
    const query = suppressionQuery.safeParse(c.req.query());
    if (!query.success)
      return refuse(
        c,
        problem("malformed", query.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; ")),
      );
    const { before, limit, address } = query.data;
    const { did } = who.member;
    if (address === undefined) {
      const page = suppressions.of(did, { limit, ...(before && { before: Number(before) }) });
      const next = page.length < limit ? null : String(page.at(-1)!.version);
      return c.json({ suppressions: page.map(shown), next } satisfies SuppressionList);
    }
    const found = binding(did, address);
    if ("code" in found) return refuse(c, found);
    return c.json({ suppressions: found.entries.map(shown), next: null } satisfies SuppressionList);
  });

  app.delete("/suppressions/:address", async (c) => {
    const who = authenticate(c);
    if ("code" in who) return refuse(c, who);
    const { member, credential } = who;
    const given = c.req.param("address").slice(0, 320);
    const found = binding(member.did, given);
    if ("code" in found) return refuse(c, found);
    if (found.entries.length === 0)
      return refuse(c, problem("not-found", "Nothing keeps your mail from this address"));
    await suppressions.askRelease(member.did, found.address, `credential ${credential.id}`);
    const until = Date.now() + WAIT_MS;
    const stands = () => (binding(member.did, given) as { entries: unknown[] }).entries.length > 0;
    while (stands() && Date.now() < until) await systemClock.sleep(LOOK_MS);
    const pending = stands();
    const body: SuppressionReleased = { released: found.entries.length, pending };
    return c.json(body, pending ? 202 : 200);
  });

  /** What keeps this member's mail from an address; the pool's entry not where the member passes it. */
  function binding(did: string, text: string): { address: string; entries: ToldSuppression[] } | Refusal {
    const address = parseAddress(text)?.address;
    if (address === undefined) return NO_ADDRESS;
    const all = suppressions.about(did, address);
    const passes = all.some(({ exempt }) => exempt);
    const entries = all.filter((one) => !one.exempt && (one.did !== null || !passes));
    return { address, entries };
  }
}

function shown({ key, domain, reason, streams, did, createdAt, expiresAt, words }: ToldSuppression) {
  return {
    key,
    domain,
    reason,
    streams,
    scope: did === null ? ("pool" as const) : ("member" as const),
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    said: words,
  };
}

import type { Context, Env, Hono } from "hono";
import type { Refusal, Who } from "../../relay/index.ts";
import type { Test } from "../../test-mail/index.ts";
import type { DeskRefusal } from "../member-desk-parts.ts";
import { problem } from "./outcome.ts";
import type { TestDetail, TestMade } from "./schemas-test.ts";

export type TestDoor<E extends Env = Env> = {
  tests: {
    make(did: string, by: string): Test | DeskRefusal;
    one(did: string, id: string): Promise<Test | DeskRefusal>;
  };
  authenticate: (c: Context<E>) => Who | Refusal;
  refuse: (c: Context, refusal: Refusal) => Response;
};

/** `POST /tests`, `GET /tests/ID`: a program tries with its own credential whether its mail arrives. */
export function testDoor<E extends Env>(app: Hono<E>, { tests, authenticate, refuse }: TestDoor<E>): void {
  app.post("/tests", (c) => {
    const who = authenticate(c);
    if ("code" in who) return refuse(c, who);
    const made = tests.make(who.member.did, `credential ${who.credential.id}`);
    if ("message" in made) return refuse(c, problem("too-many-requests", made.message));
    return c.json({ id: made.id, address: made.address } satisfies TestMade, 201);
  });

  app.get("/tests/:id", async (c) => {
    const who = authenticate(c);
    if ("code" in who) return refuse(c, who);
    const test = await tests.one(who.member.did, c.req.param("id").slice(0, 64));
    if ("message" in test) return refuse(c, problem("not-found", test.message));
    return c.json(detail(test));
  });
}

const detail = ({ id, address, arrivals }: Test): TestDetail => ({
  id,
  address,
  arrivals: arrivals.map(({ at, passed, facts, verdicts }) => ({
    at: new Date(at).toISOString(),
    passed,
    message: facts.message,
    verdicts,
  })),
});

import { Hono } from "hono";
import { z } from "zod";
import { PERSON_ROLES } from "../../account/index.ts";
import { isoTimes } from "../../lib/iso-times.ts";
import type { PeopleDesk, PeopleRefusal } from "../people-desk.ts";
import { by } from "./fields.ts";

const account = z.string().trim().min(1).max(300);
const newPerson = z.strictObject({ account, role: z.enum(PERSON_ROLES), by });
const former = z.strictObject({ person: account, by });

const STATUS: Record<string, 400 | 404> = { NotAMember: 404, NotFound: 404 };

const refused = (fault: PeopleRefusal) => [fault, STATUS[fault.error] ?? 400] as const;

/** `/members/DID/people`: who acts for a member with an account of its own. */
export function peopleApi(desk: PeopleDesk): Hono {
  const app = new Hono();

  app.get("/people", (c) => {
    const people = desk.of(c.req.param("did") ?? "");
    return "error" in people ? c.json(...refused(people)) : c.json(isoTimes({ people }));
  });

  app.post("/people", async (c) => {
    const body = newPerson.parse(await c.req.json());
    const put = await desk.put(c.req.param("did") ?? "", body.account, body.role, body.by);
    return "error" in put ? c.json(...refused(put)) : c.json(put);
  });

  app.post("/people/remove", async (c) => {
    const body = former.parse(await c.req.json());
    const removed = await desk.remove(c.req.param("did") ?? "", body.person);
    return "error" in removed ? c.json(...refused(removed)) : c.json(removed);
  });

  return app;
}

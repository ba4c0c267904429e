import { Hono } from "hono";
import type { ProofDesk } from "../member-proof.ts";

const STATUS = { NotAMember: 404, NotYetAMember: 409, NotHere: 409 } as const;

/** `/members/DID/proof`: what is known of a member's reputation, signed. */
export function proofApi(desk: ProofDesk): Hono {
  const app = new Hono();
  app.get("/proof", async (c) => {
    const made = await desk.of(c.req.param("did") ?? "");
    return "error" in made ? c.json(made, STATUS[made.error]) : c.json({ proof: made.proof });
  });
  return app;
}

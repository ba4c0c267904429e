import { Hono, type Context } from "hono";
import { roleOf, type Identity, type People } from "../account/index.ts";
import { exportPath } from "./paths-leave.ts";
import type { Rendered } from "./render.tsx";
import { isOwnRequest, type Page } from "./session.ts";
import type { ExportFile, ExportPages } from "./view-export.ts";

type ExportRoutes = {
  exports: ExportPages;
  people: Pick<People, "roleOf">;
  publicUrl: string;
  identityOf: (c: Context) => Identity | null;
  answer: (c: Context, page: Rendered, status?: 403 | 404 | 409) => Promise<Response>;
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
};

const LONGEST_DID = 2_048;

/** What a member takes along: the page, everything as a zip, and its reputation, signed. */
export function exportRoutes({ exports, people, publicUrl, identityOf, answer, refuse }: ExportRoutes): Hono {
  const app = new Hono();
  const given = (c: Context, did: string, file: ExportFile | { refused: string }) =>
    "refused" in file
      ? answer(c, { page: "not-done", why: file.refused, back: exportPath(did) }, 409)
      : download(file);

  app.get("/members/:did/export", async (c) => {
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did });
    if (refused) return refused;
    const view = await exports.view(did);
    if (view === null) return answer(c, { page: "not-found" }, 404);
    const role = roleOf(identityOf(c), did, people.roleOf);
    return answer(c, { page: "member-export", view, role });
  });

  // It reads the whole log: only from our own page, so that no other page can make browsers ask for it.
  app.post("/members/:did/export/archive", async (c) => {
    const from = { origin: c.req.header("origin"), secFetchSite: c.req.header("sec-fetch-site") };
    if (!isOwnRequest(from, publicUrl)) return answer(c, { page: "foreign" }, 403);
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did, needs: "manager" });
    if (refused) return refused;
    const whole = roleOf(identityOf(c), did, people.roleOf) === "owner";
    return given(c, did, exports.archive(did, whole));
  });

  app.get("/members/:did/export/proof", async (c) => {
    const did = didOf(c);
    const refused = await refuse(c, { page: "member", did });
    return refused ?? given(c, did, await exports.proof(did));
  });
  return app;
}

const didOf = (c: Context) => (c.req.param("did") ?? "").slice(0, LONGEST_DID);

/** Read as fast as the browser takes it; when that goes away, `return` is called on the bytes. */
function download({ name, type, bytes }: ExportFile): Response {
  return new Response(ReadableStream.from(bytes), {
    headers: {
      "content-type": type,
      "content-disposition": `attachment; filename="${name}"`,
      "cache-control": "no-store",
    },
  });
}

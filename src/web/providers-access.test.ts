import { expect, test } from "vitest";
import { Hono } from "hono";
import { providerRoutes } from "./providers.ts";
import type { ProviderView } from "./provider-view.ts";
import { mayView, type Identity } from "./session.ts";

const view = (did: string | null): ProviderView => ({
  asOf: 0,
  connections: did === null ? [] : null,
  subjects: [],
  member: did === null ? null : { did, domain: "ada.test" },
});

function appFor(identity: Identity | null): Hono {
  return providerRoutes({
    providers: { ofPool: () => view(null), ofMember: (did) => (did === "did:plc:gone" ? null : view(did)) },
    answer: async (c, page, status) => c.json(page, status ?? 200),
    refuse: async (c, page) => (mayView(identity, page) === "yes" ? null : c.text("refused", 403)),
  });
}

const ada = { role: "member", did: "did:plc:ada" } as const;
test.each([
  [null, "/committee/providers", 403],
  [null, "/members/did:plc:ada/providers", 403],
  [ada, "/committee/providers", 403],
  [ada, "/members/did:plc:ada/providers", 200],
  [ada, "/members/did:plc:ben/providers", 403],
  [{ role: "committee" } as const, "/committee/providers", 200],
  [{ role: "committee" } as const, "/members/did:plc:ada/providers", 200],
  [{ role: "committee" } as const, "/members/did:plc:gone/providers", 404],
])("%j at %s: %s", async (identity, path, status) => {
  expect((await appFor(identity).request(path)).status).toBe(status);
});

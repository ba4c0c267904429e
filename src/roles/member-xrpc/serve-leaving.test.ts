import { afterEach, beforeEach, expect, test } from "vitest";
import { unzip } from "../unzip.fixture.ts";
import { ADA, BOB, EVE, openMemberApi } from "./member-xrpc.fixture.ts";

let api: Awaited<ReturnType<typeof openMemberApi>>;
let key: string;
beforeEach(async () => {
  api = await openMemberApi();
  key = api.token(ADA);
});
afterEach(() => api.close());

const asAda = async (name: string, body: object = {}) => api.post(name, await api.jwt(ADA, name), body);
const form = { name: "Eve", contact: "", domains: [], daily: null, purpose: "", pds: "", words: "" };

test("people vouch for who waits, and take it back", async () => {
  api.core.admission.apply(EVE, form, "eve");
  expect((await api.get("listVouches", key)).body).toEqual({ vouches: [] });
  const { body: made } = await asAda("vouch", { account: EVE, words: " A neighbour " });
  expect((await api.get("listVouches", key)).body).toMatchObject({
    vouches: [{ id: made["id"], did: EVE, name: "Eve", words: "A neighbour" }],
  });
  expect((await asAda("vouch", { account: EVE })).body["error"]).toBe("VouchedAlready");
  expect((await asAda("vouch", { account: "nobody.test" })).body["error"]).toBe("NoApplicant");
  const foreign = await api.post("withdrawVouch", await api.jwt(BOB, "withdrawVouch"), made);
  expect(foreign.body["error"]).toBe("NotFound");
  expect((await asAda("withdrawVouch", made)).body).toEqual(made);
  expect((await asAda("withdrawVouch", made)).body["error"]).toBe("NotFound");
  expect((await api.get("listVouches", key)).body).toMatchObject({ vouches: [{ ended: "withdrawn" }] });
  await api.core.decide(ADA, "warned", { by: "rosa", why: "A test" });
  expect((await api.get("listVouches", key)).body["refused"]).toMatch(/good standing/);
  expect((await asAda("vouch", { account: EVE })).body["error"]).toBe("NotInGoodStanding");
});

const readme = async (bearer: string) => {
  const { bytes, headers, status } = await api.get("exportData", bearer, { member: ADA });
  expect(status).toBe(200);
  expect(headers.get("content-disposition")).toMatch(/^attachment; filename="atmosphere-mail-.*\.zip"$/);
  return (await unzip(bytes!)).get("README.md");
};

test("everything is taken along as a zip: masked for programs and managers, whole for an owner", async () => {
  expect(await readme(key)).toContain("Addresses of recipients are masked");
  api.act(ADA, EVE, "manager");
  expect(await readme(await api.jwt(EVE, "exportData"))).toContain("Addresses of recipients are masked");
  api.act(ADA, EVE, "owner");
  expect(await readme(await api.jwt(EVE, "exportData"))).toContain("Addresses of recipients are whole");
  expect(await readme(await api.jwt(ADA, "exportData"))).toContain("Addresses of recipients are whole");
});

test("one export of a member at a time, and its place is free when the reader goes away", async () => {
  const first = await api.raw("exportData", key);
  expect(await api.get("exportData", key)).toMatchObject({ status: 429, body: { error: "TooManyExports" } });
  await first.body!.cancel();
  expect(await readme(key)).toContain("masked");
});

test("a proof is signed for a member, and not for who waits", async () => {
  expect((await api.get("getProof", key)).body).toEqual({ proof: "head.claims.signature" });
  api.core.admission.apply(EVE, form, "eve");
  expect((await api.get("getProof", api.token(EVE))).body["error"]).toBe("NotYetAMember");
});

const rowOf = (did: string) => api.core.members.get(did)!;

test("leaving and deletion are two steps, each with the name that stands there, by an owner", async () => {
  await api.core.members.addDomain(ADA, "ada.test");
  const { body: view } = await api.get("getLeaving", key);
  expect(view).toMatchObject({ name: "ada.test", membership: "member" });
  expect(JSON.stringify(view["consequences"])).toContain("ada.test");
  for (const name of ["Ada", "ada", "bob.test"])
    expect((await asAda("leave", { name })).body["error"]).toBe("WrongName");
  expect((await asAda("deleteData", { name: "ada.test" })).body["error"]).toBe("NotLeft");
  api.act(ADA, EVE, "manager");
  const byManager = await api.post("leave", await api.jwt(EVE, "leave"), { member: ADA, name: "ada.test" });
  expect(byManager.body["error"]).toBe("RoleMissing");
  expect(rowOf(ADA).membership).toBe("member");

  const left = await asAda("leave", { name: " ADA.test ", reason: " Going elsewhere. " });
  expect(left.body).toEqual({ leftAt: new Date(rowOf(ADA).left_at!).toISOString() });
  expect(api.core.standings.notes.list(ADA, 1)[0]).toMatchObject({ body: "Going elsewhere." });
  expect((await api.get("getStanding", key)).body["error"]).toBe("InvalidToken");
  expect((await asAda("leave", { name: "Ada" })).body["error"]).toBe("HasLeft");

  const after = await api.get("getLeaving", await api.jwt(ADA, "getLeaving"));
  expect(after.body).toMatchObject({ membership: "left", leftAt: left.body["leftAt"] });
  expect(await readme(await api.jwt(ADA, "exportData"))).toContain("whole");
  const name = after.body["name"];
  expect((await asAda("deleteData", { name: "somebody" })).body["error"]).toBe("WrongName");
  expect(rowOf(ADA).deleted_at).toBeNull();
  expect((await asAda("deleteData", { name })).body).toEqual({
    deletedAt: new Date(rowOf(ADA).deleted_at!).toISOString(),
  });
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  COLLECTION,
  startCooperative,
  tellLogOnFailure,
  type Cooperative,
  type Intake,
  type Member,
} from "./cooperative.ts";
import { queryLabels, verifies, type SaidLabel } from "./labels.ts";
import type { Restartable } from "./servers/go-program.ts";
import { startJetstream } from "./servers/jetstream.ts";
import type { Pds } from "./servers/pds.ts";
import { until } from "./servers/process.ts";
import { startTap } from "./servers/tap.ts";
import type { Unbound } from "./servers/unbound.ts";

const ATMOS_COLLECTION = "email.atmos.attestation";
const DOMAIN = "alder.test";
const PASSWORD = "password-of-the-tap";

type Case = {
  name: string;
  start(pds: Pds, unbound: Unbound): Promise<Restartable>;
  settings(url: string): Record<string, string>;
};

const sources: Case[] = [
  {
    name: "Jetstream",
    start: ({ pdsUrl, plcUrl }) => startJetstream({ relayUrl: pdsUrl, plcUrl }),
    settings: (url) => ({ ATMOS_JETSTREAM_URLS: url }),
  },
  {
    name: "Tap",
    start: ({ pdsUrl, plcUrl }, unbound) =>
      startTap({
        relayUrl: pdsUrl,
        plcUrl,
        collections: [COLLECTION, ATMOS_COLLECTION],
        adminPassword: PASSWORD,
        resolver: unbound.host,
      }),
    settings: (url) => ({ ATMOS_TAP_URL: url, ATMOS_TAP_PASSWORD: PASSWORD }),
  },
];

// No host is followed or swept beside it: what the product finds, it was told by this source.
describe.each(sources)("$name is the only source", ({ start, settings }) => {
  let coop: Cooperative;
  let source: Restartable | undefined;
  let member: Member;

  const intake: Intake = async (pds, unbound) => {
    source = await start(pds, unbound);
    return settings(source.url);
  };
  beforeAll(async () => {
    coop = await startCooperative(intake);
  });
  afterAll(async () => {
    await coop?.stop();
    await source?.stop();
  });
  tellLogOnFailure(() => coop?.product);
  tellLogOnFailure(() => source);

  const write = () =>
    coop.pds.putRecord(member.session, COLLECTION, DOMAIN, {
      ...member.attestation.record,
      createdAt: new Date().toISOString(),
    });
  const remove = () => coop.pds.deleteRecord(member.session, COLLECTION, DOMAIN);
  const labels = (uri: string) => queryLabels(coop, uri);

  /** The label of the record once it is said, or taken back; signed either way. */
  async function label(neg?: true, uri = member.attestation.uri): Promise<SaidLabel> {
    const found = await until(`${neg ? "a negation" : "a label"} of ${uri}`, async () =>
      (await labels(uri)).find((one) => one.neg === neg),
    );
    expect(found).toMatchObject({ src: coop.labelerDid, val: "verified-mail-operator" });
    expect(await verifies(coop, found)).toBe(true);
    return found;
  }

  test("a record in the PDS is labelled; changed, in its new version; deleted, the label is negated", async () => {
    member = await coop.join(DOMAIN, { address: "127.0.0.26" });
    expect((await label()).cid).toBe(member.attestation.cid);
    const { cid } = await write();
    await until("a label of the new version", async () => (await label()).cid === cid);
    await remove();
    await label(true);
  });

  test("what was written while the product was stopped is found after its start", async () => {
    expect(await coop.product.terminate()).toBe(0);
    const { cid } = await write();
    // At a place of which nothing was ever said before.
    const [{ selector }] = member.attestation.record["dkim"] as [{ selector: string }];
    const other = await coop.pds.putRecord(member.session, ATMOS_COLLECTION, DOMAIN, {
      domain: DOMAIN,
      dkimSelectors: [selector],
      createdAt: new Date().toISOString(),
    });
    await coop.product.start();
    expect((await label()).cid).toBe(cid);
    expect((await label(undefined, other.uri)).cid).toBe(other.cid);
  });

  // The end that it likes first: Jetstream then stores how far it has come at the PDS.
  test.each(["SIGTERM", "SIGKILL"] as const)(
    "the source ends by %s and returns: the intake hears what happened meanwhile, and goes on",
    async (signal) => {
      const failures = () => coop.product.log().split("source: connection failed").length;
      const before = failures();
      await source?.end(signal);
      await until("a vain attempt to connect", () => failures() > before);
      await remove();
      expect((await labels(member.attestation.uri)).map(({ neg }) => neg)).toEqual([undefined]);
      await source?.start();
      await label(true);
      const { cid } = await write();
      expect((await label()).cid).toBe(cid);
    },
  );

  test("an account that is deactivated loses its labels, and has them again when it returns", async () => {
    const { session } = member;
    await coop.pds.xrpc("com.atproto.server.deactivateAccount", { session, body: {} });
    await label(true);
    await coop.pds.xrpc("com.atproto.server.activateAccount", { session, body: null });
    await label();
  });
});

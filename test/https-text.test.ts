import { createServer as createHttps, type Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { createHttpsText, type HttpsText } from "../src/platform/https-text.ts";
import type { DnsAnswer, DnsType, Resolver } from "../src/protocol/dns/index.ts";

const authority = createAuthority();
const stranger = createAuthority();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

describe("a policy over HTTPS", () => {
  const resolver: Resolver = {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      if (name === "silent.test") return { status: "temperror", detail: "time-out" };
      if (type !== "A" || name === "nowhere.test") return { status: "nodata", authentic: false };
      return {
        status: "ok",
        authentic: false,
        records: [{ address: "127.0.0.1", ttl: 1 }],
      } as unknown as DnsAnswer<T>;
    },
  };
  async function serve(
    answer: { status?: number; type?: string | undefined; body?: string; location?: string; stall?: boolean },
    names = ["mta-sts.x.test"],
  ): Promise<number> {
    const { status = 200, body = "version: STSv1", location, stall } = answer;
    const type = "type" in answer ? answer.type : "text/plain";
    const server: HttpsServer = createHttps(authority.issue(names), (_request, response) => {
      response.writeHead(status, { ...(type && { "content-type": type }), ...(location && { location }) });
      if (stall) response.write("version: ");
      else response.end(body);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }
  const get = (
    port: number,
    url = "https://mta-sts.x.test/.well-known/mta-sts.txt",
    more = {},
  ): Promise<HttpsText> =>
    createHttpsText({
      resolver,
      allowPrivate: true,
      maxBytes: 1_000,
      timeoutMs: 1_000,
      port,
      ca: authority.cert,
      ...more,
    })(url);

  test("is text", async () => {
    expect(await get(await serve({}))).toEqual({ ok: true, text: "version: STSv1" });
    expect(await get(await serve({ type: "text/plain; charset=utf-8" }))).toMatchObject({ ok: true });
  });

  test.each<[string, Parameters<typeof serve>[0], RegExp]>([
    ["not there", { status: 404 }, /404/],
    ["elsewhere", { status: 301, location: "https://mta-sts.x.test/" }, /301/],
    ["a page", { type: "text/html" }, /text\/html/],
    ["of no type", { type: undefined }, /content type none/],
    ["too long", { body: "x".repeat(1_001) }, /longer than 1000 bytes/],
    ["never whole", { stall: true }, /no whole answer within/],
  ])("%s", async (_, answer, why) => {
    expect(await get(await serve(answer))).toEqual({
      ok: false,
      kind: "fetch",
      why: expect.stringMatching(why),
    });
  });

  test("with a certificate for its name, of somebody known", async () => {
    expect(await get(await serve({}, ["x.test"]))).toMatchObject({ ok: false, kind: "certificate" });
    expect(await get(await serve({}), undefined, { ca: stranger.cert })).toMatchObject({
      ok: false,
      kind: "certificate",
    });
  });

  test("of no URL", async () => {
    expect(await get(9, "https://mta-sts.x.1/.well-known/mta-sts.txt")).toMatchObject({
      ok: false,
      kind: "fetch",
      why: expect.stringMatching(/no URL/),
    });
  });

  test("at an address of the internet", async () => {
    const port = await serve({});
    expect(await get(port, undefined, { allowPrivate: false })).toMatchObject({
      ok: false,
      kind: "fetch",
      why: expect.stringMatching(/no public address/),
    });
    expect(await get(port, "https://nowhere.test/")).toMatchObject({
      why: expect.stringMatching(/no address/),
    });
    expect(await get(port, "https://silent.test/")).toMatchObject({
      why: expect.stringMatching(/looked up/),
    });
  });
});

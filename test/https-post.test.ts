import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { createHttpsPost, type HttpsPostOptions } from "../src/platform/https-post.ts";
import type { DnsAnswer, DnsType, Resolver } from "../src/protocol/dns/index.ts";

const leaf = createAuthority().issue(["reports.x.test"]);
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const resolver: Resolver = {
  async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
    if (name === "reports.x.test" && type === "A")
      return { status: "ok", authentic: false, records: [{ address: "127.0.0.1", ttl: 60 }] } as never;
    return { status: "nxdomain", authentic: false };
  },
};

type Seen = { method: string; path: string; type: string; body: string };

/** `status` 0: it never answers. */
async function receiver(status: number, headers: Record<string, string> = {}) {
  const seen: Seen[] = [];
  const server = createServer(leaf, (request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const { method = "", url = "" } = request;
      seen.push({ method, path: url, type: request.headers["content-type"] ?? "", body });
      if (status > 0) response.writeHead(status, headers).end("thanks");
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, port: (server.address() as AddressInfo).port };
}

const postWith = (options: Partial<HttpsPostOptions> = {}) => {
  const post = createHttpsPost({ resolver, allowPrivate: true, timeoutMs: 3_000, ...options });
  return (url: string) => post(url, "application/tlsrpt+gzip", Buffer.from("report"));
};

test("posts, and says what the receiver's certificate is worth", async () => {
  const { seen, port } = await receiver(201);
  expect(await postWith()(`https://reports.x.test:${port}/in?a=1`)).toEqual({
    ok: true,
    untrusted: expect.stringMatching(/^[A-Z_]+$/),
  });
  expect(seen).toEqual([
    { method: "POST", path: "/in?a=1", type: "application/tlsrpt+gzip", body: "report" },
  ]);
});

test.each<[string, number, Record<string, string>]>([
  ["a refusal", 404, {}],
  ["an outage", 503, {}],
  ["a redirect, which is not followed", 307, { location: "https://reports.x.test/elsewhere" }],
])("%s is told", async (_, status, headers) => {
  const { seen, port } = await receiver(status, headers);
  expect(await postWith()(`https://reports.x.test:${port}/`)).toEqual({
    ok: false,
    why: `HTTP status ${status}`,
  });
  expect(seen).toHaveLength(1);
});

test("a URL that no request can be made of is no reason to reject", async () => {
  expect(await postWith()("https://%zz@reports.x.test/")).toEqual({ ok: false, why: expect.any(String) });
});

test("a receiver that says nothing is not waited for", async () => {
  const { port } = await receiver(0);
  expect(await postWith({ timeoutMs: 200 })(`https://reports.x.test:${port}/`)).toEqual({
    ok: false,
    late: true,
    why: "no answer within 200 ms",
  });
});

test.each([
  ["by its name", (port: number) => `https://reports.x.test:${port}/`],
  ["by its address", (port: number) => `https://127.0.0.1:${port}/`],
  ["by its address, written otherwise", (port: number) => `https://0x7f.1:${port}/`],
  ["by an address of the other family", (port: number) => `https://[::1]:${port}/`],
  ["by a mapped address", (port: number) => `https://[::ffff:127.0.0.1]:${port}/`],
])("nobody in a private network is asked: %s", async (_, url) => {
  const { seen, port } = await receiver(200);
  expect(await postWith({ allowPrivate: false })(url(port))).toEqual({
    ok: false,
    why: expect.stringMatching(/no public address/),
  });
  expect(seen).toEqual([]);
});

test.each([
  ["http://reports.x.test/", /no https URL/],
  ["https://nowhere.test/", /no address/],
  ["https://reports.x.test:1/", /ECONNREFUSED/],
])("%s", async (url, why) => {
  expect(await postWith()(url)).toEqual({ ok: false, why: expect.stringMatching(why) });
});

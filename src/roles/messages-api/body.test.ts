import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { createBodyReader, type ReadBody } from "./body.ts";

const MOST = 100;

/** Reads bodies as a server does; `told`: with the length in the header. */
function createServer() {
  const read = createBodyReader({ all: 250, one: 150 });
  const results: ReadBody[] = [];
  const app = new Hono().post("/:did", async (c) => {
    const result = await read(c, c.req.param("did"), MOST);
    results.push(result);
    return c.body(null, 204);
  });
  return async (did: string, octets: number, told = true): Promise<ReadBody> => {
    const body = new ReadableStream({
      start(controller) {
        for (let left = octets; left > 0; left -= 10)
          controller.enqueue(Buffer.alloc(Math.min(10, left), "x"));
        controller.close();
      },
    });
    const headers: Record<string, string> = told ? { "content-length": String(octets) } : {};
    const response = await app.request(`/${did}`, {
      method: "POST",
      body,
      headers,
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(204);
    return results.pop()!;
  };
}

describe("a body", () => {
  test.each([
    [0, true, 0],
    [100, true, 100],
    [101, true, "too-large"],
    [35, false, 35],
    [100, false, 100],
    [101, false, "too-large"],
  ])("of %i octets, told: %s -> %s", async (octets, told, expected) => {
    const result = await createServer()("a", octets, told);
    expect(result.ok ? result.bytes.length : result.why).toBe(expected);
  });

  test("that has no room is refused, until others are done", async () => {
    const post = createServer();
    const first = await post("a", 80);
    expect(await post("a", 80)).toMatchObject({ why: "no-room" });
    const second = await post("b", 100);
    expect(await post("c", 80)).toMatchObject({ why: "no-room" });
    for (const done of [first, second]) if (done.ok) done.release();
    expect(await post("a", 80)).toMatchObject({ ok: true });
    expect(await post("c", 100)).toMatchObject({ ok: true });
  });

  test("whose length is not told takes the most it may have, and gives it back when it is too large", async () => {
    const post = createServer();
    expect(await post("a", 10, false)).toMatchObject({ ok: true });
    expect(await post("a", 60, false)).toMatchObject({ why: "no-room" });
    for (let i = 0; i < 5; i++) expect(await post("b", 200, false)).toMatchObject({ why: "too-large" });
    expect(await post("b", 100)).toMatchObject({ ok: true });
  });
});

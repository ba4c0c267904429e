import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import { createResolver } from "./index.ts";

test("a dead resolver: so many questions at once, so many behind them, the rest is told at once and all end", async () => {
  const dead = createSocket("udp4");
  let heard = 0;
  dead.on("message", () => heard++);
  dead.bind(0, "127.0.0.1");
  await once(dead, "listening");
  try {
    const servers = [`127.0.0.1:${dead.address().port}`];
    const resolver = createResolver({ servers, timeoutMs: 100, tries: 1, mostAtOnce: 4, mostWaiting: 6 });
    const began = performance.now();
    const ended: number[] = [];
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const answer = await resolver.resolve(`n${i}.test`, "MX");
        ended.push(performance.now() - began);
        return answer;
      }),
    );
    expect(answers.every(({ status }) => status === "temperror")).toBe(true);
    const crowded = answers.filter((answer) => "detail" in answer && answer.detail.includes("too many"));
    expect(crowded).toHaveLength(90);
    expect(ended.slice(0, 90).every((ms) => ms < 100)).toBe(true);
    expect(heard).toBe(10);
  } finally {
    dead.close();
  }
});

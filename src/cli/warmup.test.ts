import { expect, test } from "vitest";
import { planWarmup } from "../egress/index.ts";
import { planLines, plot } from "./warmup-view.ts";

test("the plot: what leaves, what waits, and a mark each tenth day", () => {
  const days = Array.from({ length: 12 }, (_, i) => ({ sent: i + 1, waits: i === 9 ? 2 : 0 }));
  const lines = plot(days);
  expect(lines).toHaveLength(13);
  expect(lines[0]).toBe("      12 |         .##");
  expect(lines[9]).toBe("         |############");
  expect(lines[10]).toBe("         +----+----+--");
  expect(lines[11]).toBe("                  10");
  expect(plot([{ sent: 0, waits: 0 }])[9]).toBe("         |");
});

test("the table has a column for each provider, and says when nothing waits", () => {
  const input = {
    addresses: [{ address: "a", warm: false, stages: {} }],
    perDay: 200,
    providers: { gmail: 0.75, other: 0.25 },
    days: 3,
  };
  const lines = planLines(input, planWarmup(input));
  expect(lines[0]).toBe("Addresses: 1, of which 1 are to be warmed up. 200 messages a day.");
  expect(lines[1]).toBe("From day 3 on nothing waits.");
  expect(lines.slice(-4)).toEqual([
    "day    gmail   other  leaves  waits",
    "1    100/100  50/300     150     50",
    "2    150/150  50/300     200     50",
    "3    200/225  50/300     250      0",
  ]);
});

import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { pageScript } from "./script.ts";

test("a form that is pressed twice is sent once; another, or the same much later, is sent", () => {
  const listeners = new Map<string, (event: object) => void>();
  const document = {
    documentElement: { classList: { add: () => {} } },
    querySelector: () => null,
    addEventListener: (name: string, listener: (event: object) => void) => listeners.set(name, listener),
  };
  runInNewContext(pageScript, { document, WeakMap, Intl, Date });
  const [answer, logOut] = [{}, {}];
  const isSent = (target: object, timeStamp: number) => {
    let sent = true;
    listeners.get("submit")!({ target, timeStamp, preventDefault: () => void (sent = false) });
    return sent;
  };
  expect([isSent(answer, 1), isSent(answer, 200), isSent(logOut, 300), isSent(answer, 20_000)]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

import { expect, test } from "vitest";
import { createListeners } from "./listeners.ts";

test("each that listens to a key hears of it once a time it is told, until it stops; nothing stays behind", () => {
  const { tell, listen, size } = createListeners();
  const heard: string[] = [];
  const stopA = listen("a", () => heard.push("a1"));
  const stopOther = listen("a", () => heard.push("a2"));
  const stopB = listen("b", () => heard.push("b"));
  tell(["a", "a", "c"]);
  expect(heard).toEqual(["a1", "a2"]);
  stopA();
  stopA();
  tell(["a", "b"]);
  expect(heard).toEqual(["a1", "a2", "a2", "b"]);
  stopOther();
  const stopLater = listen("a", () => heard.push("later"));
  stopOther();
  tell(["a"]);
  expect(heard.at(-1)).toBe("later");
  stopLater();
  stopB();
  expect(size()).toBe(0);
});

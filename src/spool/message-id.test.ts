import { expect, test } from "vitest";
import { keyOfHead, messageIdKey } from "./message-id.ts";

test.each<[string, string | undefined]>([
  ["Message-ID: <a.1@b.test>\r\n\r\n", "<a.1@b.test>"],
  ["X: y\r\nmessage-id :\r\n\t<a.1@b.test> \r\n\r\n", "<a.1@b.test>"],
  ["Message-ID: a.1@b.test\r\n", "<a.1@b.test>"],
  ["X-Message-ID: <a@b>\r\n", undefined],
  ["Message-ID: <a@b> <c@d>\r\n", undefined],
  ["Message-ID:\r\n", undefined],
  [`Message-ID: <${"a".repeat(5_000)}@b>\r\n`, undefined],
  ["", undefined],
])("%j", (head, id) => {
  const key = keyOfHead(Buffer.from(head));
  expect(key).toEqual(id === undefined ? undefined : messageIdKey(id));
});

test("two Message-IDs that differ in case are two", () => {
  expect(messageIdKey("<A@b.test>")).not.toEqual(messageIdKey("<a@b.test>"));
});

import { describe, expect, test } from "vitest";
import { secureRandom } from "../lib/ids.ts";
import { isWholeSecret, mintCredential } from "./credential.ts";
import { networkOf } from "./network.ts";

describe("a secret", () => {
  const { username, secret } = mintCredential("abc", secureRandom);

  test("needs no encoding in a URL, and is what scanners look for", () => {
    for (const text of [username, secret]) expect(encodeURIComponent(text)).toBe(text);
    expect(secret).toMatch(/\batms_[a-z2-7]{47}\b/);
  });

  test.each<[string, (text: string) => string, boolean]>([
    ["whole", (text) => text, true],
    ["cut", (text) => text.slice(0, -1), false],
    ["with one letter changed", (text) => text.replace(/.(?=.{20}$)/, (c) => (c === "a" ? "b" : "a")), false],
    ["of another prefix", (text) => text.replace("atms", "atmz"), false],
    ["in capitals", (text) => text.toUpperCase(), false],
    ["with a line end", (text) => `${text}\n`, false],
    ["nothing", () => "", false],
  ])("%s", (_, change, whole) => expect(isWholeSecret(change(secret))).toBe(whole));

  test("its checksum stays what it is: scanners know it", () => {
    expect(isWholeSecret(mintCredential("abc", (n) => new Uint8Array(n)).secret)).toBe(true);
    expect(mintCredential("abc", (n) => new Uint8Array(n)).secret).toMatchInlineSnapshot(
      `"atms_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaazfnyuji"`,
    );
  });
});

test.each<[string, string | undefined]>([
  ["192.0.2.77", "192.0.2.0/24"],
  ["::ffff:192.0.2.77", "192.0.2.0/24"],
  ["::ffff:c000:24d", "192.0.2.0/24"],
  ["2001:db8:1:2::5", "2001:db8:1::/48"],
  ["2001:DB8:0001:ffff:1:2:3:4", "2001:db8:1::/48"],
  ["2001:db8::1", "2001:db8:0::/48"],
  ["::1", "0:0:0::/48"],
  ["fe80::1%eth0", undefined],
  ["localhost", undefined],
  ["", undefined],
])("the network of %s is %s", (address, network) => expect(networkOf(address)).toBe(network));

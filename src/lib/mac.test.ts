import { expect, test } from "vitest";
import { hmacSha256 } from "./mac.ts";

/** RFC 4231, test cases 1, 2 and 6. */
test.each<[Uint8Array, string, string]>([
  [
    new Uint8Array(20).fill(0x0b),
    "Hi There",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    Buffer.from("Jefe"),
    "what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  [
    new Uint8Array(131).fill(0xaa),
    "Test Using Larger Than Block-Size Key - Hash Key First",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  ],
])("%#: known values, the first time and the second", (key, text, mac) => {
  for (let n = 0; n < 2; n++) expect(hmacSha256(key, text).toString("hex")).toBe(mac);
});

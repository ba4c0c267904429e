import { expect, test } from "vitest";
import { unlistable } from "./names.ts";

const place = { zone: "wl.coop.example", poolDomain: "coop.example" };
const label = "a".repeat(63);

test.each<[string, string, RegExp | undefined]>([
  ["a domain", "alder.example", undefined],
  ["a domain below a suffix of two labels", "alder.co.uk", undefined],
  ["a customer's domain below a private suffix", "alder.github.io", undefined],
  ["an IDN in A-labels", "xn--bcher-kva.example", undefined],
  ["an IDN in U-labels", "bücher.example", /A-label/],
  ["an A-label that decodes to nothing", "xn--a.example", /A-labels are not valid/],
  ["an A-label that stands for ASCII", "xn--abc-.example", /A-label/],
  ["upper case", "Alder.example", /lower-case/],
  ["a wildcard", "*.alder.example", /wildcard/],
  ["a top-level domain", "example", /two labels/],
  ["a public suffix", "co.uk", /public suffix/],
  ["a suffix of which everything below is one", "x.kobe.jp", /public suffix/],
  ["a private suffix", "github.io", /public suffix/],
  ["an address", "192.0.2.1", /address/],
  ["the pool's domain", "coop.example", /pool/],
  ["a name of the pool", "mail.coop.example", /pool/],
  ["a domain that only ends like the pool's", "notcoop.example", undefined],
  ["a final dot", "alder.example.", /two labels/],
  ["an empty label", "alder..example", /two labels/],
  ["an underscore", "_dmarc.alder.example", /two labels/],
  ["a name that fits no more below the zone", `${label}.${label}.${label}.${"b".repeat(38)}.io`, /too long/],
])("%s", (_, domain, why) => {
  const said = unlistable(domain, place);
  if (why) expect(said).toMatch(why);
  else expect(said).toBeUndefined();
});

test("a name of the list, where that is not below the pool's", () => {
  expect(unlistable("x.wl.example", { zone: "wl.example", poolDomain: "coop.example" })).toMatch(/list/);
});

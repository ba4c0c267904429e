import { expect, test } from "vitest";
import { outOfUse, type LastListed, type Standing } from "./out.ts";

const A = "192.0.2.1";
const B = "192.0.2.2";
const SIX = "2001:db8::1";

function standing(
  address: string,
  what: "sound" | "listed" | "held" | "unbound" | "held and listed",
): Standing {
  const listed = { since: 5, codes: ["127.0.0.2"], text: "" };
  return {
    address,
    held: what.startsWith("held") ? { why: "moving house", by: "ann", at: 3 } : undefined,
    unbound: what === "unbound" ? { code: "EADDRNOTAVAIL", since: 4 } : undefined,
    reverse: undefined,
    listings: what.endsWith("listed")
      ? [{ list: "bad.example", state: "listed", evidence: "127.0.0.2", checkedAt: 6, listed, clear: 0 }]
      : [],
  };
}

type Case = [string, Parameters<typeof standing>[], LastListed, Record<string, string>];

test.each<Case>([
  [
    "all is well",
    [
      [A, "sound"],
      [B, "sound"],
    ],
    "codes",
    {},
  ],
  [
    "one of two is listed",
    [
      [A, "listed"],
      [B, "sound"],
    ],
    "keep",
    { [A]: "listed" },
  ],
  [
    "both are: nothing leaves",
    [
      [A, "listed"],
      [B, "listed"],
    ],
    "stop",
    { [A]: "listed", [B]: "listed" },
  ],
  [
    "both are: codes leave",
    [
      [A, "listed"],
      [B, "listed"],
    ],
    "codes",
    { [A]: "listed codes", [B]: "listed codes" },
  ],
  [
    "both are: as before",
    [
      [A, "listed"],
      [B, "listed"],
    ],
    "keep",
    {},
  ],
  [
    "the other one is held",
    [
      [A, "listed"],
      [B, "held"],
    ],
    "codes",
    { [A]: "listed codes", [B]: "by-hand" },
  ],
  [
    "the other one is not bound",
    [
      [A, "listed"],
      [B, "unbound"],
    ],
    "stop",
    { [A]: "listed", [B]: "unbound" },
  ],
  [
    "an IPv6 address stands in for no IPv4 one",
    [
      [A, "listed"],
      [SIX, "sound"],
    ],
    "codes",
    { [A]: "listed codes" },
  ],
  [
    "a person's word comes first",
    [
      [A, "held and listed"],
      [B, "sound"],
    ],
    "keep",
    { [A]: "by-hand" },
  ],
  ["the system's own choice", [["", "sound"]], "stop", {}],
])("%s", (_, addresses, lastListed, expected) => {
  const out = outOfUse(
    addresses.map((one) => standing(...one)),
    lastListed,
  );
  const said = [...out].map(([address, { reason, codes }]) => [address, codes ? `${reason} codes` : reason]);
  expect(Object.fromEntries(said)).toEqual(expected);
});

test("it says who, what and since when", () => {
  expect(outOfUse([standing(A, "held"), standing(B, "unbound"), standing(SIX, "listed")], "stop")).toEqual(
    new Map([
      [A, { reason: "by-hand", why: "ann: moving house", since: 3, codes: false }],
      [
        B,
        { reason: "unbound", why: `${B} is not bound on this host (EADDRNOTAVAIL)`, since: 4, codes: false },
      ],
      [SIX, { reason: "listed", why: `${SIX} is on bad.example`, since: 5, codes: false }],
    ]),
  );
});

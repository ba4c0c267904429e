import { expect, test } from "vitest";
import { parseBimi } from "./index.ts";

test.each([
  [
    "v=BIMI1; l=https://x.test/l.svg; a=https://x.test/c.pem",
    { status: "record", evidence: "https://x.test/c.pem" },
  ],
  ["v=BIMI1; l=https://x.test/l.svg", { status: "record", logo: "https://x.test/l.svg", evidence: "" }],
  ["v=BIMI1; l=; a=;", { status: "record", logo: "" }],
  ["v=BIMI1; l=http://x.test/l.svg", { status: "syntax" }],
  ["v=BIMI1; a=https://x.test/c.pem", { status: "syntax" }],
  ["v=BIMI2; l=", { status: "not-bimi" }],
])("%s", (text, parsed) => expect(parseBimi(text)).toMatchObject(parsed));

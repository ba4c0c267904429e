import { expect, test } from "vitest";
import { parseTlsRpt } from "./index.ts";

test.each([
  [
    "v=TLSRPTv1; rua=mailto:a@x.test,https://x.test/tls",
    { status: "record", rua: ["mailto:a@x.test", "https://x.test/tls"] },
  ],
  ["v=TLSRPTv1;rua=mailto:a@x.test; ext=1", { status: "record", rua: ["mailto:a@x.test"] }],
  ["v=TLSRPTv1;", { status: "syntax" }],
  ["v=TLSRPTv1; rua=a@x.test", { status: "syntax" }],
  ["v=TLSRPTv1; rua=http://x.test/", { status: "syntax" }],
  ["v=TLSRPTv2; rua=mailto:a@x.test", { status: "not-tls-rpt" }],
])("%s", (text, parsed) => expect(parseTlsRpt(text)).toMatchObject(parsed));

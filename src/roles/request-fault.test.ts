import { expect, test } from "vitest";
import { z } from "zod";
import { did, reason } from "./admin/fields.ts";
import { requestFault } from "./request-fault.ts";

const request = z.strictObject({
  standing: z.enum(["good", "warned"]).optional(),
  text: reason.optional(),
  count: z.coerce.number().int().positive().optional(),
  cap: z.number().int().min(1).max(100).optional(),
  names: z.array(z.string()).min(1).max(2).optional(),
  by: z.object({ name: z.string() }).optional(),
});

test.each([
  [request, { standing: "frob" }, "standing is one of good, warned"],
  [request, { text: " " }, "text is empty"],
  [request, { text: "a".repeat(2_001) }, "text has 2000 characters at most"],
  [request, { text: 7 }, "text is missing, or is not a text"],
  [request, { count: "x" }, "count is missing, or is not a number"],
  [request, { count: "0" }, "count is more than 0"],
  [request, { cap: 0 }, "cap is 1 or more"],
  [request, { cap: 101 }, "cap is 100 at most"],
  [request, { cap: 1.5 }, "cap is missing, or is not a whole number"],
  [request, { names: [] }, "names names nothing"],
  [request, { names: ["a", "b", "c"] }, "names has 2 entries at most"],
  [request, { by: {} }, "by.name is missing, or is not a text"],
  [request, { frob: 1 }, "there is no field frob"],
  [request, { standing: "x", text: "" }, "standing is one of good, warned; text is empty"],
  [did, "frob", `"frob" is not a DID; one looks like did:plc:..., or did:web:...`],
])("%# %s is told in words", (schema, value, words) => {
  const { error } = (schema as z.ZodType).safeParse(value);
  expect(requestFault(error!)).toBe(words);
});

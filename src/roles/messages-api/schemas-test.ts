import { z } from "zod";

export const testMade = z.strictObject({
  id: z.string(),
  address: z.string().describe("Where the test is to be sent, from a domain of the credential; for a day"),
});
export type TestMade = z.infer<typeof testMade>;

export const testDetail = z.strictObject({
  ...testMade.shape,
  arrivals: z
    .array(
      z.strictObject({
        at: z.iso.datetime(),
        passed: z.boolean().describe("Nothing is wrong, whatever could be better"),
        message: z.string().nullable().describe("As which message it came; null: not through the pool"),
        verdicts: z.array(
          z.strictObject({
            name: z.enum(["route", "spf", "dkim", "dmarc", "tls", "time"]),
            outcome: z.enum(["pass", "warn", "fail"]),
            text: z.string().describe("What was seen"),
            remedy: z.string().optional().describe("What to do; left out with `pass`"),
          }),
        ),
      }),
    )
    .describe("What has come to the address so far, oldest first"),
});
export type TestDetail = z.infer<typeof testDetail>;

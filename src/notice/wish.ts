import { z } from "zod";

/** The topic on which core tells relay nodes what a member is to be told by mail. */
export const NOTICE_TOPIC = "member.notice";

export const NoticeWish = z.object({
  /** Opaque, 16 characters of base32: the id of the message. A wish with the same id is the same mail. */
  id: z.string().regex(/^[a-z2-7]{16}$/),
  did: z.string().max(2_048),
  to: z
    .string()
    .max(320)
    .regex(/^[!-~]+@[!-~]+$/),
  subject: z
    .string()
    .max(200)
    .regex(/^[ -~]*$/),
  text: z.string().max(20_000),
  /** Ms since the epoch. */
  at: z.number().int(),
});
/** One mail of the pool to the contact of a member. Told twice it is one. */
export type NoticeWish = z.infer<typeof NoticeWish>;

/** A wish that is older has lost its sense. */
export const NOTICE_LIFETIME_MS = 3 * 86_400_000;

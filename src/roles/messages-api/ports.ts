import type { CredentialPolicy, MemberPolicy, Stream } from "../../policy/index.ts";

/** Who asks: a credential that is in use, and its member. */
export type Who = { member: MemberPolicy; credential: CredentialPolicy };

/** An SMTP reply that is no acceptance. `text` ends with the reason's name in brackets. */
export type Refusal = { code: number; enhanced: string; text: string; reason: string; waitMs?: number };

export type Login = { secret: string; address: string } & ({ username: string } | { did: string });

export type SubmitInput = Who & {
  /** MAIL FROM: an address at a domain of the credential. */
  sender: string;
  recipients: readonly { address: string }[];
  stream?: Stream;
  /** Lower leaves first. */
  priority?: number;
  idempotency?: { key: string; digest: string };
  /** As in a Received field. */
  protocol: string;
  /** The raw message, lines ending with CRLF. */
  source: AsyncIterable<Uint8Array>;
};

export type RefusedRecipient = Refusal & { address: string };

export type SubmitResult =
  | {
      ok: true;
      id: string;
      state: "queued" | "paced" | "held";
      waitMs: number;
      reason: string;
      /** Those that were refused while the others went. */
      recipients: RefusedRecipient[];
    }
  | ({ ok: false; recipients: RefusedRecipient[] } & Refusal);

/** What the HTTP API needs of the relay: the log-in and the way in that SMTP has. */
export type Relaying = {
  authenticate(login: Login): Who | Refusal;
  submit(input: SubmitInput): Promise<SubmitResult>;
};

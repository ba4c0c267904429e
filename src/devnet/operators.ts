import { between, seededRandom } from "./random.ts";

/** What makes an operator instructive: a DMARC record that nobody can read, a sign-up form that gets dead addresses. */
type Trait = "broken-dmarc" | "dead-addresses";

export type SeedOperator = {
  name: string;
  /** Mail domain and handle, such as `alder.test`. */
  domain: string;
  /** Mails on an ordinary day: 5 to 50. */
  perDay: number;
  trait?: Trait;
};

const NAMES = [
  "Alder",
  "Birch",
  "Cedar",
  "Damson",
  "Elder",
  "Fennel",
  "Gorse",
  "Hazel",
  "Iris",
  "Juniper",
  "Kelp",
  "Larch",
  "Maple",
  "Nettle",
  "Olive",
  "Poplar",
  "Quince",
  "Rowan",
  "Sorrel",
  "Thyme",
] as const;

const TRAITS: Partial<Record<(typeof NAMES)[number], Trait>> = {
  Gorse: "broken-dmarc",
  Nettle: "dead-addresses",
};

/** Busy enough that its bounces become evidence within two days. */
const DEAD_ADDRESSES_PER_DAY = 45;

/** Twenty operators, the same for the same seed. Together they send some hundreds of mails a day, each at most 50. */
export function seedOperators(seed = "atmosphere"): SeedOperator[] {
  const random = seededRandom(`operators ${seed}`);
  return NAMES.map((name) => {
    const trait = TRAITS[name];
    const usual = between(random, 5, 50);
    return {
      name,
      domain: `${name.toLowerCase()}.test`,
      perDay: trait === "dead-addresses" ? DEAD_ADDRESSES_PER_DAY : usual,
      ...(trait ? { trait } : {}),
    };
  });
}

/** The text that the operator publishes at `_dmarc`: reports go to the pool. */
export function dmarcRecord(operator: SeedOperator): string {
  return operator.trait === "broken-dmarc"
    ? "v=DMARC1 p=none"
    : "v=DMARC1; p=none; rua=mailto:dmarc@coop.test";
}

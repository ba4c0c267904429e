import { didOf } from "../labels/names.ts";

export { didOf };

/** Providers that receive mail for the domains. */
export const HOSTS = 50;

/** A public RSA key of 2048 bits; who has the private one does not matter. */
export const KEY = {
  kty: "RSA",
  n: "0VB9Eq0JgodlKml8AHacyYXNXB1sqD6JLl5aZu21Qjbu4sRnS9mdScBkYvdgxDRy76aXs7YlgetM3wmFXjj3I42XDMIfh_5jg7CelRJso0Q6Q7pB6jRRG8p9-IUiGNBdXRx-PEtCIk7NOhrCNmW4x7T7u-us3g5DA7DNUd2AR6z9gHjisYoVXxOiNxtdb2qnA23A6c8K6_0ZoQgMbOJWViM0sbfWmtGJe4hQ6GyICrP2L-R0yEIAYsg1QKXlAJCReEvVk6lAEnctzdsI1mP6LSr0FwACklWuR73SoH4RcKtq-pgUrWhP5wFAwasKdZS2d7ZmjC1Zr08Zz7KeKQy_qw",
  e: "AQAB",
};

export type Told =
  | { is: "ready" }
  | { is: "done"; checked: number; ms: number; verified: number; unknown: number; broken: number };

/**
 * Messages a day of one address to one provider, stage by stage; after the last stage there is no limit. Where the
 * numbers come from: docs/warm-up.md.
 */
export type Ramp = readonly number[];

/** Up to half more each day: Google warns of doubling what was sent before. */
const USUAL: Ramp = [100, 150, 225, 335, 500, 750, 1_100, 1_600, 2_400, 3_600, 5_400, 8_100, 12_000, 18_000];

/** It refuses new addresses soonest, and forgives them last: half of the start, a third more each day. */
const MICROSOFT: Ramp = [
  50, 65, 85, 115, 150, 200, 270, 350, 470, 630, 830, 1_100, 1_500, 2_000, 2_600, 3_500, 4_700, 6_200, 8_300,
  11_000,
];

/** Its hosts for organisations and for everybody, as the shaping file names them. */
const MICROSOFTS: ReadonlySet<string> = new Set(["microsoft", "outlook"]);

/** All hosts of nobody known together: each of them sees a handful. */
const OTHER: Ramp = [300, 450, 670, 1_000, 1_500, 2_200, 3_300, 4_900, 7_300, 10_900, 16_000];

const NONE: Ramp = [];

export function rampOf(provider: string): Ramp {
  if (MICROSOFTS.has(provider)) return MICROSOFT;
  return provider === "other" ? OTHER : USUAL;
}

/** Of an address that is warm already: one stage, without a limit. */
export const WARM_RAMP = NONE;

/** Undefined: no limit. */
export function allowanceAt(ramp: Ramp, stage: number): number | undefined {
  return ramp[Math.max(0, stage)];
}

/** A part of each allowance that only login codes use: what waits for tomorrow is not one of them. */
const CODES_SHARE = 0.2;
export const keptForCodes = (allowance: number): number => Math.ceil(allowance * CODES_SHARE);

/** A second try at the address that a greylist knows may go over the allowance by this part of it. */
const RETRY_SHARE = 0.25;
export const retryMargin = (allowance: number): number => Math.ceil(allowance * RETRY_SHARE);

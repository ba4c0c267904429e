/** Draws from distributions, the same for the same seed. */
export type Random = ReturnType<typeof seeded>;

/** mulberry32 underneath: from 0 to 1. */
export function seeded(seed: number) {
  let state = seed;
  function uniform(): number {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

  return {
    uniform,
    /** Of so many events on average; above 60 by its normal approximation. */
    poisson(mean: number): number {
      if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
      const limit = Math.exp(-mean);
      let n = 0;
      for (let product = uniform(); product > limit; product *= uniform()) n++;
      return n;
    },
    /** Trials up to and with the next success, at least one; infinite at rate 0. */
    untilNext: (rate: number): number =>
      rate <= 0 ? Number.POSITIVE_INFINITY : Math.floor(Math.log(1 - uniform()) / Math.log1p(-rate)) + 1,
    logNormal: (median: number, sigma: number): number => median * Math.exp(sigma * normal()),
  };
}

/** The one source of time. Milliseconds since the Unix epoch; tests and the sandbox can move it. */
export interface Clock {
  now(): number;
  /** Resolves once `now()` has advanced by `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Milliseconds that truly pass, whatever `now()` is set to; only differences mean something. Absent: as `now()` does. */
  steady?(): number;
}

export const DAY_MS = 86_400_000;

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => waitReal(ms, signal),
  steady: () => performance.now(),
};

function waitReal(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    signal?.addEventListener("abort", done, { once: true });
  });
}

type Sleeper = { due: number; wake: () => void };

/**
 * A clock that can be moved forward. It keeps running at `rate` times real time (0 stands still), and wakes
 * whoever sleeps when it is advanced past their time. It goes back only where it is set.
 */
export class MovableClock implements Clock {
  #base: number;
  #since: number;
  #rate: number;
  #set = 0;
  #sleepers: Sleeper[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(start: number, rate = 0) {
    this.#base = start;
    this.#since = performance.now();
    this.#rate = rate;
  }

  now(): number {
    return Math.floor(this.#base + (performance.now() - this.#since) * this.#rate);
  }

  steady(): number {
    return this.now() - this.#set;
  }

  /** As somebody sets a clock, ahead or back: nothing has passed. */
  set(instant: number): void {
    const step = instant - this.now();
    this.#base += step;
    this.#set += step;
    this.#wakeDue();
  }

  /** Moves on by `ms` and wakes everyone who is due, in order of their time. */
  advance(ms: number): void {
    this.advanceTo(this.now() + ms);
  }

  advanceTo(instant: number): void {
    const now = this.now();
    if (instant > now) this.#base += instant - now;
    this.#wakeDue();
  }

  setRate(rate: number): void {
    this.#base = this.now();
    this.#since = performance.now();
    this.#rate = rate;
    this.#wakeDue();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted || ms <= 0) return resolve();
      const wake = () => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { due: this.now() + ms, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
      this.#arm();
    });
  }

  #wakeDue(): void {
    const now = this.now();
    const due = this.#sleepers.filter((s) => s.due <= now).sort((a, b) => a.due - b.due);
    for (const s of due) s.wake();
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#rate <= 0 || this.#sleepers.length === 0) return;
    const next = Math.min(...this.#sleepers.map((s) => s.due));
    const wait = Math.max(1, (next - this.now()) / this.#rate);
    this.#timer = setTimeout(() => this.#wakeDue(), Math.min(wait, LONGEST_TIMER_MS));
    this.#timer.unref();
  }
}

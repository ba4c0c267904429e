/**
 * Lets tasks run at once as long as their sizes together are at most `most`, the others in order after them. What is larger
 * than all runs alone. One begins in each turn of the event loop, so that what each does first does not add up.
 */
export function createTurns(most: number) {
  const waiting: { size: number; go: () => void }[] = [];
  let running = 0;
  let planned = false;

  function plan(): void {
    if (planned) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      next();
    });
  }

  function next(): void {
    const [first] = waiting;
    if (!first || (running > 0 && running + first.size > most)) return;
    waiting.shift();
    running += first.size;
    first.go();
    plan();
  }

  return async function run<T>(size: number, task: () => Promise<T>): Promise<T> {
    await new Promise<void>((go) => {
      waiting.push({ size, go });
      plan();
    });
    try {
      return await task();
    } finally {
      running -= size;
      plan();
    }
  };
}

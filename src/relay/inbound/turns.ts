/**
 * Lets tasks run at once as long as their sizes together are at most `most`, the others in order after them. What is larger
 * than all runs alone.
 */
export function createTurns(most: number) {
  const waiting: { size: number; go: () => void }[] = [];
  let running = 0;

  function next(): void {
    for (
      let first = waiting[0];
      first && (running === 0 || running + first.size <= most);
      first = waiting[0]
    ) {
      waiting.shift();
      running += first.size;
      first.go();
    }
  }

  return async function run<T>(size: number, task: () => Promise<T>): Promise<T> {
    await new Promise<void>((go) => {
      waiting.push({ size, go });
      next();
    });
    try {
      return await task();
    } finally {
      running -= size;
      next();
    }
  };
}

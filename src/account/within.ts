/** Rejects with a `TimeoutError` when `work` takes longer than `ms`; `late` gets what comes of it after that. */
export async function within<T>(ms: number, work: Promise<T>, late?: (value: T) => void): Promise<T> {
  const timeUp = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeUp.reject(new DOMException(`No answer within ${ms} ms`, "TimeoutError"));
    work.then(late, () => undefined);
  }, ms);
  try {
    return await Promise.race([work, timeUp.promise]);
  } finally {
    clearTimeout(timer);
  }
}

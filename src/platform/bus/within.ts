/** To end a client; it may wait for brokers that are gone, and what it holds there ends by itself. */
export const LEAVING_MS = 2_000;

/** A client of the brokers may never answer when they go away meanwhile: rejects after `ms`. */
export async function within<T>(ms: number, work: Promise<T> | undefined): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the brokers have not answered for ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work as Promise<T>, late]);
  } finally {
    clearTimeout(timer);
  }
}

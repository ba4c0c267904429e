/** One frame of `subscribeLabels`, ready to be sent. */
export type StreamFrame = { seq: number; bytes: Uint8Array };

export type Tail = ReturnType<typeof createTail>;

/** The newest part of the stream past `from`, encoded once for all who follow it live. Keeps `size` frames or more. */
export function createTail(from: number, size = 4_096) {
  let frames: StreamFrame[] = [];

  return {
    push(frame: StreamFrame): void {
      frames.push(frame);
      if (frames.length < 2 * size) return;
      from = frames[size - 1]!.seq;
      frames = frames.slice(size);
    },
    /** What follows `position`, at most `limit`; undefined when a part of that is kept no longer. */
    after(position: number, limit: number): StreamFrame[] | undefined {
      if (position < from) return undefined;
      let low = 0;
      for (let high = frames.length; low < high;) {
        const middle = (low + high) >> 1;
        if (frames[middle]!.seq > position) high = middle;
        else low = middle + 1;
      }
      return frames.slice(low, low + limit);
    },
  };
}

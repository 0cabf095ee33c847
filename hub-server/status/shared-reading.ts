/** One reading for all who ask within a while. */

/** `read`, at most once in so many milliseconds. One that failed is worth nothing: the next who asks has it read again. */
export function sharedReading<T>(milliseconds: number, read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  let until = 0;
  return () => {
    const now = Date.now();
    if (reading === undefined || now >= until) {
      until = now + milliseconds;
      reading = read();
      reading.catch(() => {
        until = 0;
      });
    }
    return reading;
  };
}

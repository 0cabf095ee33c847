/** Which path a system error is about, where a call has several of them. */
import { explain } from "./tool-error.ts";

/** Runs `act`, whose system errors are told as ones of `path`. */
export function about<T>(path: string, act: () => T): T {
  try {
    const result = act();
    return result instanceof Promise
      ? (result.catch((error: unknown) => fail(error, path)) as T)
      : result;
  } catch (error) {
    return fail(error, path);
  }
}

function fail(error: unknown, path: string): never {
  throw explain(error, path) ?? error;
}

/** An answer of the API that is not a success; its body is DigitalOcean's `{id, message, request_id}`. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly id: string;
  readonly headers: Record<string, string>;

  constructor(status: number, id: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.id = id;
    this.headers = headers;
  }
}

export const unauthorized = () => new ApiError(401, "unauthorized", "Unable to authenticate you.");

export const notFound = (
  message = "The resource you were accessing could not be found.",
): ApiError => new ApiError(404, "not_found", message);

export const conflict = (message: string) => new ApiError(409, "conflict", message);

export const preconditionFailed = (message: string) =>
  new ApiError(412, "precondition_failed", message);

export const unprocessable = (message: string) =>
  new ApiError(422, "unprocessable_entity", message);

export const tooManyRequests = (retryAfter: number) =>
  new ApiError(429, "too_many_requests", "API rate limit exceeded.", {
    "retry-after": String(retryAfter),
  });

export const serverError = (status = 500) =>
  new ApiError(status, "server_error", "Unexpected server-side error");

/** The one and only text by which DigitalOcean's provider knows that it should try again. */
export const pendingEvent = () => unprocessable("Droplet already has a pending event.");

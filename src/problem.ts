// A refusal that a caller can act on: what HTTP answers as application/problem+json (RFC 9457). Everything thrown that is
// not a Problem is a defect or an outage, never a message to a caller.

/** One bad field: where it was given, and a JSON pointer (RFC 6901) into that part. */
export type FieldError = { readonly in: 'body' | 'query' | 'path' | 'header'; readonly pointer: string; readonly detail: string };

export class Problem extends Error {
  readonly status: number;
  /** A stable name in kebab-case, the last part of the problem's type URI. */
  readonly code: string;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;
  /** Where in the log the latest of what a command was refused for is. */
  readonly position: bigint | undefined;

  constructor(
    status: number,
    code: string,
    detail: string,
    more: { errors?: readonly FieldError[]; retryAfterSeconds?: number | undefined; position?: bigint | undefined } = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = more.errors ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.position = more.position;
  }

  /** The same refusal, of somebody who has seen the log up to here. */
  asOf(position: bigint | undefined): Problem {
    const { status, code, message, errors, retryAfterSeconds } = this;
    return new Problem(status, code, message, { errors, retryAfterSeconds, position });
  }
}

/** The request conflicts with how things are (409). */
export const conflict = (code: string, detail: string, pointer?: string): Problem =>
  new Problem(409, code, detail, pointer === undefined ? {} : { errors: [{ in: 'body', pointer, detail }] });

/** The body is well-formed but says something that cannot be done (422). */
export const unprocessable = (code: string, detail: string, pointer: string): Problem =>
  new Problem(422, code, detail, { errors: [{ in: 'body', pointer, detail }] });

/** The same answer for what never was, what is gone, and what is someone else's. */
export const notFound = (): Problem => new Problem(404, 'not-found', 'There is nothing here.');

/** An id is of one entity for ever, of one that is gone, too. */
export const idInUse = (): Problem => conflict('id-in-use', 'There is already something with this id.', '/id');

export const unavailable = (detail: string): Problem => new Problem(503, 'unavailable', detail, { retryAfterSeconds: 1 });

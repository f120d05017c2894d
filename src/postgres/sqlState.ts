// What Postgres, or the way to it, says went wrong.

/** The code of an error or of what caused it: an SQLSTATE such as `23505`, or the socket's, such as `ECONNREFUSED`. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

// What Postgres, or the way to it, says went wrong.
import { InvalidInputError } from 'slonik';

/** The code of an error or of what caused it: an SQLSTATE such as `23505`, or the socket's, such as `ECONNREFUSED`. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // The one error that slonik makes anew, without what caused it.
    if (cause instanceof InvalidInputError) return '22P02';
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

// What Postgres, or the way to it, says went wrong.
import { ConnectionError, InvalidInputError } from 'slonik';

/** The code of an error or of what caused it: an SQLSTATE such as `23505`, or the socket's, such as `ECONNREFUSED`. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // The one error that slonik makes anew, without what caused it.
    if (cause instanceof InvalidInputError) return '22P02';
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

/** Whether the database is away, as opposed to a statement being wrong: SQLSTATE classes 08, 53, 57 and what the socket says. */
export const isAway = (error: unknown): boolean =>
  error instanceof ConnectionError || /^(08|53|57|ECONN|ENOENT|EPIPE|ETIMEDOUT)/.test(sqlStateOf(error) ?? '') || hasBrokenOff(error);

/** Of a connection that ends, without a word, while it opens or waits for an answer, pg says this and no code. */
function hasBrokenOff(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause.message.startsWith('Connection terminated')) return true;
  return false;
}

// What Postgres, or the way to it, says went wrong.
import { BackendTerminatedError, BackendTerminatedUnexpectedlyError, ConnectionError, InvalidInputError } from 'slonik';

/** The code of an error or of what caused it: an SQLSTATE such as `23505`, or the socket's, such as `ECONNREFUSED`. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // The one error that slonik makes anew, without what caused it.
    if (cause instanceof InvalidInputError) return '22P02';
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

/** What slonik makes of a connection that is not there, or no longer; one that broke off says no code. */
const unconnected = [ConnectionError, BackendTerminatedError, BackendTerminatedUnexpectedlyError];

/** Whether the database is away, as opposed to a statement being wrong: SQLSTATE classes 08, 53, 57 and what the socket says. */
export const isAway = (error: unknown): boolean =>
  unconnected.some((kind) => error instanceof kind) || /^(08|53|57|ECONN|ENOENT|EPIPE|ETIMEDOUT)/.test(sqlStateOf(error) ?? '');

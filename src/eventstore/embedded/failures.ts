// What a call fails with: the status, and the details by which the client knows each failure of the real server.
import { status } from '@grpc/grpc-js';
import type { ExpectedRevision } from './events.ts';
import { sentence } from './reasons.ts';

/** A failure of a call; `details` are sent as trailers, of which the client makes its errors. */
export class Failure extends Error {
  readonly code: status;
  readonly details: Record<string, string>;

  constructor(code: status, message: string, details: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.details = Object.fromEntries(Object.entries(details).map(([name, value]) => [name, asciiOnly(value)]));
  }
}

// A trailer holds ASCII only; a stream's name may hold anything.
const asciiOnly = (value: string): string => value.replaceAll(/[^\x20-\x7e]+/g, (part) => encodeURIComponent(part.toWellFormed()));

/** What a call that threw fails with: by its request, unless the file could not be read. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const isOfSqlite = error instanceof Error && 'errcode' in error;
  return isOfSqlite ? new Failure(status.INTERNAL, sentence(error)) : invalidArgument(sentence(error));
}

export const streamDeleted = (stream: string): Failure =>
  new Failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, { exception: 'stream-deleted', 'stream-name': stream });

export const wrongExpectedVersion = (operation: string, stream: string, expected: ExpectedRevision, current: number): Failure =>
  new Failure(
    status.FAILED_PRECONDITION,
    `${operation} failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${current}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': `${expected}`,
      'actual-version': `${current}`,
    },
  );

export const maximumAppendSizeExceeded = (limit: number): Failure =>
  new Failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${limit} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': `${limit}`,
  });

export const requiredMetadataPropertyMissing = (property: string): Failure =>
  new Failure(status.INVALID_ARGUMENT, `Required Metadata Property '${property}' is missing`, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });

export const noSuchRead = (): Failure => new Failure(status.UNKNOWN, 'Unexpected ReadStreamResult: Error');
export const invalidArgument = (message: string): Failure => new Failure(status.INVALID_ARGUMENT, message);
/** Whether the change is on disk is not known: the caller has to ask again. */
export const unavailable = (message: string): Failure => new Failure(status.UNAVAILABLE, message);
export const tooLate = (): Failure => new Failure(status.DEADLINE_EXCEEDED, 'The deadline has passed');
export const shuttingDown = (): Failure => unavailable('The event log is shutting down');

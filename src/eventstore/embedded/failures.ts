// What a call fails with: the status and the details by which the client knows each failure of the real server.
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ExpectedRevision } from './events.ts';

/** A gRPC failure; `details` are the trailers that the client makes an error of. */
export function failure(code: status, message: string, details: Record<string, string> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(details)) metadata.set(name, asciiOnly(value));
  return Object.assign(new Error(message), { code, details: message, metadata });
}

export const isFailure = (error: unknown): error is ServiceError => error instanceof Error && 'code' in error && 'details' in error;

// A trailer holds ASCII only; a stream's name may hold anything.
const asciiOnly = (value: string): string => value.replaceAll(/[^\x20-\x7e]+/g, encodeURIComponent);

export const streamDeleted = (stream: string): ServiceError =>
  failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, { exception: 'stream-deleted', 'stream-name': stream });

export const wrongExpectedVersion = (operation: string, stream: string, expected: ExpectedRevision, current: number): ServiceError =>
  failure(
    status.FAILED_PRECONDITION,
    `${operation} failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${current}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': `${expected}`,
      'actual-version': `${current}`,
    },
  );

export const maximumAppendSizeExceeded = (limit: number): ServiceError =>
  failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${limit} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': `${limit}`,
  });

export const requiredMetadataPropertyMissing = (property: string): ServiceError =>
  failure(status.INVALID_ARGUMENT, `Required Metadata Property '${property}' is missing`, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });

export const invalidArgument = (message: string): ServiceError => failure(status.INVALID_ARGUMENT, message);
/** The outcome may or may not be on disk: the caller has to ask again. */
export const unavailable = (message: string): ServiceError => failure(status.UNAVAILABLE, message);
export const tooLate = (): ServiceError => failure(status.DEADLINE_EXCEEDED, 'The deadline passed before the append was written');
export const shuttingDown = (): ServiceError => unavailable('The event log is shutting down');

// What is remembered of an Idempotency-Key beyond the events of the thing it made.
import { text } from '../vocabulary.ts';
import { event } from './event.ts';

/** The key came with an `id` for the new thing: only that request may use it again. */
export const idempotencyKeyUsed = event('IdempotencyKeyUsed', { body_hmac: text(100) });

// What can happen to documents and their tags.
import { z } from 'zod';
import { color, documentStatus, locale, mediaType, name, sha256, text, title, unreadBecause, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

/**
 * `sha256` and `size_bytes` are of the bytes, `word_count` is of the whole text. `content` is the text, or what was read of a
 * file; of one that is long its beginning, and null where none could be read, for the reason in `unread_because`. The bytes
 * are in the blob store unless `content` is all of them.
 */
const content = {
  content: text(256 * 1024).nullable(),
  content_type: mediaType,
  size_bytes: z.int().nonnegative(),
  sha256,
  word_count: z.int().nonnegative(),
  unread_because: unreadBecause.nullable(),
};
/** An archived document is as it was before. */
const unarchived = documentStatus.exclude(['archived']);
const details = { language: locale.nullable(), source_url: text(2_000).nullable(), status: unarchived };

export const documentCreated = event('DocumentCreated', { title, ...details, ...content });
export const documentRenamed = event('DocumentRenamed', { title });
/** What differs. Other bytes, or bytes of another type, are a revision with a number of its own. */
export const documentContentChanged = event(
  'DocumentContentChanged',
  z.object({ ...details, ...content, revision_number: z.int().positive() }).exactPartial().shape,
);
export const documentArchived = event('DocumentArchived', {});
export const documentRestored = event('DocumentRestored', { status: unarchived });
export const documentDeleted = event('DocumentDeleted', {});
export const documentTagged = event('DocumentTagged', { tag_id: uuid });
export const documentUntagged = event('DocumentUntagged', { tag_id: uuid });

const tag = { name, color: color.nullable() };
export const documentTagCreated = event('DocumentTagCreated', { tag_id: uuid, ...tag });
export const documentTagChanged = event('DocumentTagChanged', { tag_id: uuid, ...z.object(tag).exactPartial().shape });
export const documentTagDeleted = event('DocumentTagDeleted', { tag_id: uuid });

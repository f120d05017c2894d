// What can happen to a message. Each event names the session, which counts its messages.
import { z } from 'zod';
import { instant, longText, mediaType, messageRole, smallObject, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

const said = { content: longText, content_type: mediaType, token_count: z.int().nullable(), metadata: smallObject };
export const messageSent = event('MessageSent', { session_id: uuid, parent_message_id: uuid.nullable(), role: messageRole, ...said });
export const messageEdited = event('MessageEdited', { session_id: uuid, ...z.object(said).exactPartial().shape, edited_at: instant });
export const messageDeleted = event('MessageDeleted', { session_id: uuid });

// What can happen to a session.
import { instant, sessionChannel, smallObject, title } from '../vocabulary.ts';
import { event } from './event.ts';

export const sessionStarted = event('SessionStarted', { title: title.nullable(), channel: sessionChannel, context: smallObject });
export const sessionRenamed = event('SessionRenamed', { title: title.nullable() });
export const sessionContextChanged = event('SessionContextChanged', { context: smallObject });
export const sessionArchived = event('SessionArchived', {});
export const sessionResumed = event('SessionResumed', {});
export const sessionEnded = event('SessionEnded', { ended_at: instant });
export const sessionDeleted = event('SessionDeleted', {});

// Relationships: what one thing of a person has to do with another. Who, from what, to what and in which way make its id, so
// that to say the same again is about the same relationship, whoever says it at once. It is part of both its ends.
import { v5 } from 'uuid';
import { z } from 'zod';
import { relationshipChanged, relationshipEstablished, relationshipRemoved } from '../events/relationships.ts';
import { entityType, relationType, smallObject, strength, uuid } from '../vocabulary.ts';
import { type Aggregate, aggregate, type Reference, reference } from './aggregate.ts';
import { calendarEvent } from './calendar/event.ts';
import { command, noBody } from './command.ts';
import { document } from './documents/document.ts';
import { emailDraft } from './emails/draft.ts';
import { email } from './emails/email.ts';
import { message } from './messages.ts';
import { changed, patchOf } from './patch.ts';
import { session } from './sessions.ts';
import { taskList } from './tasks/list.ts';
import { task } from './tasks/task.ts';
import { user } from './users/user.ts';

/** The namespace of the ids of relationships. */
const RELATIONSHIP_IDS = '3c0f6a52-8f0b-4d6e-9a39-5b1e0d4f7c28';

type EntityType = z.output<typeof entityType>;

/** What each kind of entity is on the write side. */
const aggregates: Readonly<Record<EntityType, Aggregate<unknown>>> = {
  user,
  session,
  message,
  email,
  draft: emailDraft,
  event: calendarEvent,
  document,
  task,
  task_list: taskList,
};

/** @param pointer where the body names it */
const end = (type: EntityType, id: string, pointer?: string): Reference<unknown> => reference(aggregates[type], id, pointer);

type Ends = {
  readonly source_type: EntityType;
  readonly source_id: string;
  readonly target_type: EntityType;
  readonly target_id: string;
};
export type Relationship = Ends & {
  readonly relation_type: string;
  readonly strength: number;
  readonly metadata: z.output<typeof smallObject>;
  /** Where in the log it was established. */
  readonly since: bigint;
};

export const relationship = aggregate<Relationship>({
  category: 'relationship',
  created: { RelationshipEstablished: ({ data: { author, ...relationship }, position }) => ({ ...relationship, since: position }) },
  evolve: {
    RelationshipChanged: (relationship, { data }) => ({ ...relationship, ...data }),
    RelationshipRemoved: () => undefined,
  },
  // An email that was deleted can be recorded again: that brings back the email, and nothing that went with it.
  partOf: ({ source_type, source_id, target_type, target_id, since }) => [
    { ...end(source_type, source_id), since },
    { ...end(target_type, target_id), since },
  ],
  title: ({ source_type, relation_type, target_type }) => [source_type, relation_type, target_type].join(' ').replaceAll('_', ' '),
});

const measure = { strength, metadata: smallObject };

export const establishRelationship = command({
  route: 'POST /relationships',
  summary: 'Say that one thing has to do with another',
  description:
    'The same ends and type again are the same relationship: a strength or metadata that is given is what it has from then on, and one that is left out stays as it is.',
  body: z
    .strictObject({
      source_type: entityType,
      source_id: uuid,
      target_type: entityType,
      target_id: uuid,
      relation_type: relationType,
      strength: measure.strength.optional(),
      metadata: measure.metadata.optional(),
    })
    .refine(({ source_type, source_id, target_type, target_id }) => source_type !== target_type || source_id !== target_id, {
      path: ['target_id'],
      message: 'must be another than the source',
    }),
  example: {
    source_type: 'task',
    source_id: '0192f0c1-7a10-7c3e-8b64-2f9d1c5e7a01',
    target_type: 'message',
    target_id: '0192f0c1-7a10-7c3e-8b64-2f9d1c5e7a02',
    relation_type: 'derived_from',
    strength: 0.9,
  },
  aggregate: relationship,
  identify: ({ user, body: { source_type, source_id, relation_type, target_type, target_id } }) =>
    v5(JSON.stringify([user.id, source_type, source_id, relation_type, target_type, target_id]), RELATIONSHIP_IDS),
  needs: async ({ body }, load) => {
    await load(end(body.source_type, body.source_id, '/source_id'));
    await load(end(body.target_type, body.target_id, '/target_id'));
  },
  create: ({ user, body: { strength, metadata, ...said } }, relationship) => {
    const given = { ...(strength !== undefined && { strength }), ...(metadata && { metadata }) };
    if (!relationship) {
      const author = user.actor === 'integration' ? 'system' : user.actor;
      return relationshipEstablished({ ...said, strength: 1, metadata: {}, ...given, author });
    }
    const differs = changed(relationship, given);
    return differs ? relationshipChanged(differs) : [];
  },
  answer: 'getRelationship',
});

export const changeRelationship = command({
  route: 'PATCH /relationships/:id',
  summary: 'Change how strong a relationship is, or what is noted with it',
  body: patchOf(measure),
  example: { strength: 0.5 },
  aggregate: relationship,
  decide: (relationship, { body }) => {
    const differs = changed(relationship, body);
    return differs ? relationshipChanged(differs) : [];
  },
  answer: 'getRelationship',
});

export const removeRelationship = command({
  route: 'DELETE /relationships/:id',
  summary: 'Say that two things no longer have to do with each other',
  body: noBody,
  aggregate: relationship,
  decide: () => relationshipRemoved({}),
});

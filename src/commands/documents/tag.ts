// Document tags. All of a person's share a stream, so that no two can have one name, whoever races.
import { z } from 'zod';
import { documentTagChanged, documentTagCreated, documentTagDeleted } from '../../events/documents.ts';
import { conflict, idInUse } from '../../problem.ts';
import { color, name, uuidV7 } from '../../vocabulary.ts';
import { sharedAggregate } from '../aggregate.ts';
import { command, noBody } from '../command.ts';
import { changed, patchOf } from '../patch.ts';

type Tag = { readonly name: string; readonly color: string | null; readonly revision: number };
/** By id. What was deleted stays known: the streams of documents still name it, so no other tag may have its id. */
export type DocumentTags = { readonly live: ReadonlyMap<string, Tag>; readonly deleted: ReadonlySet<string> };

const none: DocumentTags = { live: new Map(), deleted: new Set() };

export const documentTags = sharedAggregate<DocumentTags>({
  category: 'documentTags',
  initial: none,
  evolve: {
    DocumentTagCreated: ({ live, deleted }, { data: { tag_id, ...tag }, revision }) => ({
      live: new Map([...live, [tag_id, { ...tag, revision }]]),
      deleted,
    }),
    DocumentTagChanged: ({ live, deleted }, { data: { tag_id, ...changes }, revision }) => {
      const tag = live.get(tag_id);
      return { live: tag ? new Map([...live, [tag_id, { ...tag, ...changes, revision }]]) : live, deleted };
    },
    DocumentTagDeleted: ({ live, deleted }, { data: { tag_id } }) => ({
      live: new Map([...live].filter(([id]) => id !== tag_id)),
      deleted: new Set([...deleted, tag_id]),
    }),
  },
  find: ({ live }, id) => live.get(id),
  title: ({ live }, { data }) => ('tag_id' in data ? live.get(data.tag_id)?.name : undefined),
});

const fields = { name, color: color.nullable() };

export const createDocumentTag = command({
  route: 'POST /document-tags',
  summary: 'Create a document tag',
  body: z.strictObject({ id: uuidV7.optional(), name: fields.name, color: fields.color.default(null) }),
  example: { name: 'Urgent', color: '#d73a49' },
  aggregate: documentTags,
  perUser: true,
  create: ({ id, body: { name, color } }, tags = none) => {
    if (tags.deleted.has(id)) return idInUse();
    return isTaken(tags, name, id) ? nameTaken(name) : documentTagCreated({ tag_id: id, name, color });
  },
  answer: 'getDocumentTag',
});

export const changeDocumentTag = command({
  route: 'PATCH /document-tags/:id',
  summary: 'Rename or recolour a document tag',
  body: patchOf(fields),
  example: { color: '#0e8a16' },
  aggregate: documentTags,
  perUser: true,
  decide: (tags, { id, body }) => {
    if (body.name !== undefined && isTaken(tags, body.name, id)) return nameTaken(body.name);
    const differs = changed({ ...tags.live.get(id) }, body);
    return differs ? documentTagChanged({ tag_id: id, ...differs }) : [];
  },
  answer: 'getDocumentTag',
});

export const deleteDocumentTag = command({
  route: 'DELETE /document-tags/:id',
  summary: 'Delete a document tag, and take it off all documents',
  body: noBody,
  aggregate: documentTags,
  perUser: true,
  decide: (_, { id }) => documentTagDeleted({ tag_id: id }),
});

const isTaken = ({ live }: DocumentTags, name: string, by: string) =>
  [...live].some(([id, tag]) => id !== by && tag.name.toLowerCase() === name.toLowerCase());

const nameTaken = (name: string) => conflict('name-taken', `There is already a tag called ${name}.`, '/name');

// Document tags, which are what a person marks documents with.
import { z } from 'zod';
import { documentTagChanged, documentTagCreated, documentTagDeleted } from '../../events/documents.ts';
import { uuidV7 } from '../../vocabulary.ts';
import { sharedAggregate } from '../aggregate.ts';
import { command, noBody } from '../command.ts';
import { type Marks, markFields, noMarks, refuseName, withChanges, withMark, withoutMark } from '../marks.ts';
import { changed, patchOf } from '../patch.ts';

export const documentTags = sharedAggregate<Marks>({
  category: 'documentTags',
  initial: noMarks,
  evolve: {
    DocumentTagCreated: (tags, { data: { tag_id, ...tag }, revision }) => withMark(tags, tag_id, { ...tag, revision }),
    DocumentTagChanged: (tags, { data: { tag_id, ...changes }, revision }) => withChanges(tags, tag_id, { ...changes, revision }),
    DocumentTagDeleted: (tags, { data }) => withoutMark(tags, data.tag_id),
  },
  find: ({ live }, id) => live.get(id),
  title: ({ live }, { data }) => ('tag_id' in data ? live.get(data.tag_id)?.name : undefined),
});

export const createDocumentTag = command({
  route: 'POST /document-tags',
  summary: 'Create a document tag',
  body: z.strictObject({ id: uuidV7.optional(), name: markFields.name, color: markFields.color.default(null) }),
  example: { name: 'Urgent', color: '#d73a49' },
  aggregate: documentTags,
  perUser: true,
  create: ({ id, body: { name, color } }, tags = noMarks) =>
    refuseName(tags, 'tag', id, name) ?? documentTagCreated({ tag_id: id, name, color }),
  answer: 'getDocumentTag',
});

export const changeDocumentTag = command({
  route: 'PATCH /document-tags/:id',
  summary: 'Rename or recolour a document tag',
  body: patchOf(markFields),
  example: { color: '#0e8a16' },
  aggregate: documentTags,
  perUser: true,
  decide: (tags, { id, body }) => {
    const differs = changed({ ...tags.live.get(id) }, body);
    if (!differs) return [];
    const refusal = differs.name === undefined ? undefined : refuseName(tags, 'tag', id, differs.name);
    return refusal ?? documentTagChanged({ tag_id: id, ...differs });
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

// What requests about documents and their tags do.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { removeDocument, removeDocumentTag } from './cascades.ts';
import { type Context, changes, commandOn, type Happening, type Model, type Refusal, type Routes } from './core.ts';
import { change, type DocumentRow, type DocumentTagRow, own, type Rows, stamped } from './rows.ts';

const status = z.enum(['draft', 'active']);
const details = { language: z.string().nullable(), source_url: z.string().nullable(), status };
const written = { content: z.string(), content_type: z.string() };
const newDocument = z.object({
  id: z.uuidv7().optional(),
  title: z.string().trim(),
  content: written.content.optional(),
  content_type: written.content_type.optional(),
  language: details.language.default(null),
  source_url: details.source_url.default(null),
  status: status.default('active'),
  tag_ids: z.array(z.string()).default([]),
});
const documentPatch = z.object({ title: z.string().trim(), ...written, ...details }).exactPartial();
const tag = { name: z.string().trim(), color: z.string().toLowerCase().nullable() };
const newTag = z.object({ id: z.uuidv7().optional(), name: tag.name, color: tag.color.default(null) });
const tagPatch = z.object(tag).exactPartial();

export const documentRoutes: Routes = {
  'POST /documents': ({ model, caller, body, newId }) => {
    const { rows, streams } = model;
    const { id: chosenId, tag_ids, content, content_type, ...document } = newDocument.parse(body);
    const id = newId(chosenId);
    const row = { ...document, ...factsOf(content ?? ''), content_type: content_type ?? 'text/markdown', revision_number: 1 };
    return {
      creates: true,
      chosenId,
      stream: `document-${id}`,
      isInUse: streams.has(`document-${id}`),
      entity: () => own(rows.documents, id, caller.id),
      content: [chosenId ?? null, tag_ids, content ?? null, content_type ?? null, document],
      decide: () => {
        if (tag_ids.some((each) => !own(rows.document_tags, each, caller.id))) return 422;
        return [
          {
            type: 'DocumentCreated',
            about: ['document', id],
            apply: (stamp) => rows.documents.set(id, { ...stamped(id, caller.id, stamp), ...row }),
          },
          ...[...new Set(tag_ids)].map((each) => tagged(model, id, caller.id, each)),
        ];
      },
    };
  },
  'PATCH /documents/:id': (request) => {
    const { archivedFrom } = request.model.said;
    const patch = documentPatch.parse(request.body);
    return onDocument(request, patch, (document) => {
      const { title, content, content_type, ...rest } = patch;
      const before = { ...document, status: archivedFrom.get(document.id) ?? document.status };
      const said: Partial<DocumentRow> = changes<Partial<DocumentRow>>(before, rest);
      const next = { ...(content !== undefined && factsOf(content)), ...(content_type !== undefined && { content_type }) };
      const revised: Partial<DocumentRow> = changes<Partial<DocumentRow>>(document, next);
      const isRevision = Object.keys(revised).length > 0;
      const set = { ...said, ...revised, ...(isRevision && { revision_number: document.revision_number + 1 }) };
      const happenings = [
        ...(title === undefined || title === document.title ? [] : [becomes(document, 'DocumentRenamed', { title })]),
        ...(Object.keys(set).length === 0 ? [] : [becomes(document, 'DocumentContentChanged', set)]),
      ];
      return document.status === 'archived' && happenings.length > 0 ? 409 : happenings;
    });
  },
  'POST /documents/:id/archive': (request) =>
    onDocument(request, {}, (document) => {
      if (document.status === 'archived') return [];
      const was = document.status;
      const archived = becomes(document, 'DocumentArchived', { status: 'archived' });
      return [also(archived, () => request.model.said.archivedFrom.set(document.id, was))];
    }),
  'POST /documents/:id/restore': (request) =>
    onDocument(request, {}, (document) => {
      const was = request.model.said.archivedFrom.get(document.id);
      if (was === undefined) return [];
      return [also(becomes(document, 'DocumentRestored', { status: was }), () => request.model.said.archivedFrom.delete(document.id))];
    }),
  'DELETE /documents/:id': (request) => {
    const remove = ({ id }: DocumentRow): Happening[] => [
      { type: 'DocumentDeleted', about: ['document', id], apply: () => removeDocument(request.model.rows, id) },
    ];
    return onDocument(request, {}, remove, 'nothing');
  },
  'PUT /documents/:id/tags/:tag_id': (request) => {
    const { rows } = request.model;
    return onDocument(request, {}, (document) => {
      const found = own(rows.document_tags, request.params.tag_id, request.caller.id);
      if (!found) return 404;
      if (rows.document_tag_assignments.has(keyOf(document.id, found.id))) return [];
      return [tagged(request.model, document.id, request.caller.id, found.id)];
    });
  },
  'DELETE /documents/:id/tags/:tag_id': (request) => {
    const { rows, said } = request.model;
    const takeOff = (document: DocumentRow): Happening[] => {
      const key = keyOf(document.id, request.params.tag_id ?? '');
      if (!said.taggings.has(key)) return [];
      const untagged = becomes(document, 'DocumentUntagged', {});
      return [also(untagged, () => [rows.document_tag_assignments, said.taggings].map((each) => each.delete(key)))];
    };
    return onDocument(request, {}, takeOff, 'nothing');
  },

  'POST /document-tags': ({ model: { rows, said }, caller, body, newId }) => {
    const { id: chosenId, ...fields } = newTag.parse(body);
    const id = newId(chosenId);
    return {
      creates: true,
      chosenId,
      stream: `documentTags-${caller.id}`,
      isInUse: rows.document_tags.has(id) || said.deletedTags.has(id),
      entity: () => own(rows.document_tags, id, caller.id),
      content: [chosenId ?? null, fields],
      decide: () => {
        if (isTaken(rows, caller.id, fields.name, id)) return 409;
        const apply: Happening['apply'] = (stamp) => rows.document_tags.set(id, { ...stamped(id, caller.id, stamp), ...fields });
        return [{ type: 'DocumentTagCreated', about: ['document_tag', id], apply }];
      },
    };
  },
  'PATCH /document-tags/:id': (request) => {
    const patch = tagPatch.parse(request.body);
    return onTag(request, patch, (row) => {
      if (patch.name !== undefined && isTaken(request.model.rows, row.user_id, patch.name, row.id)) return 409;
      const set: Partial<DocumentTagRow> = changes(row, patch);
      if (Object.keys(set).length === 0) return [];
      return [{ type: 'DocumentTagChanged', about: ['document_tag', row.id], apply: (stamp) => change(row, stamp, set) }];
    });
  },
  'DELETE /document-tags/:id': (request) => {
    const { rows, said } = request.model;
    const remove = ({ id }: DocumentTagRow): Happening[] => {
      const apply = () => {
        removeDocumentTag(rows, id);
        said.deletedTags.add(id);
      };
      return [{ type: 'DocumentTagDeleted', about: ['document_tag', id], apply }];
    };
    return onTag(request, {}, remove, 'nothing');
  },
};

/** The words of the texts that the random requests say: letters and digits, with what joins them within a word. */
const factsOf = (content: string) => ({
  content,
  size_bytes: Buffer.byteLength(content),
  sha256: createHash('sha256').update(content).digest('hex'),
  word_count: content.match(/[\p{L}\p{N}]+(?:'[\p{L}\p{N}]+)*/gu)?.length ?? 0,
});

const keyOf = (document: string, tag: string) => `${document} ${tag}`;

const isTaken = ({ document_tags }: Rows, user_id: string, name: string, by: string) =>
  [...document_tags.values()].some((row) => row.user_id === user_id && row.id !== by && row.name.toLowerCase() === name.toLowerCase());

const becomes = (document: DocumentRow, type: string, set: Partial<DocumentRow>): Happening => ({
  type,
  about: ['document', document.id],
  apply: (stamp) => change(document, stamp, set),
});

const also = (happening: Happening, effect: () => void): Happening => ({
  ...happening,
  apply: (stamp) => {
    happening.apply(stamp);
    effect();
  },
});

const tagged = ({ rows, said }: Model, document_id: string, user_id: string, tag_id: string): Happening => ({
  type: 'DocumentTagged',
  about: ['document', document_id],
  apply: (stamp) => {
    change(rows.documents.get(document_id), stamp, {});
    rows.document_tag_assignments.set(keyOf(document_id, tag_id), { document_id, tag_id, user_id, created_at: stamp.at });
    said.taggings.add(keyOf(document_id, tag_id));
  },
});

function onDocument(request: Context, said: unknown, decide: (row: DocumentRow) => Refusal | Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `document-${params.id}`, own(model.rows.documents, params.id, caller.id), said, decide, answers);
}

/** All tags of a person share a stream. */
function onTag(request: Context, said: unknown, decide: (row: DocumentTagRow) => Refusal | Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `documentTags-${caller.id}`, own(model.rows.document_tags, params.id, caller.id), said, decide, answers);
}

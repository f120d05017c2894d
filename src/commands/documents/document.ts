// Documents: texts that are written here and files that are uploaded, in all their revisions.
import { z } from 'zod';
import {
  documentArchived,
  documentContentChanged,
  documentCreated,
  documentDeleted,
  documentRenamed,
  documentRestored,
  documentTagged,
  documentUntagged,
} from '../../events/documents.ts';
import { conflict, notFound, unprocessable } from '../../problem.ts';
import { documentStatus, locale, text, title, uuid, uuidV7 } from '../../vocabulary.ts';
import { aggregate, reference } from '../aggregate.ts';
import { type BodyReader, command, noBody } from '../command.ts';
import { formReader, uploadedFile } from '../form.ts';
import { changed, patchOf } from '../patch.ts';
import { fileContent, isText, textType, writtenContent } from './content.ts';
import { documentTags } from './tag.ts';

const MAX_TAGS = 50;

export type Document = {
  readonly title: string;
  readonly language: string | null;
  readonly source_url: string | null;
  /** Of an archived document, what it was and is to be again. */
  readonly status: 'draft' | 'active';
  readonly isArchived: boolean;
  readonly content_type: string;
  readonly sha256: string;
  readonly revision_number: number;
  readonly tags: readonly string[];
};

// The text itself is not remembered: what it is, its hash says.
export const document = aggregate<Document>({
  category: 'document',
  created: {
    DocumentCreated: ({ data: { title, language, source_url, status, content_type, sha256 } }) => ({
      ...{ title, language, source_url, status, content_type, sha256 },
      ...{ isArchived: false, revision_number: 1, tags: [] },
    }),
  },
  evolve: {
    DocumentRenamed: (document, { data }) => ({ ...document, ...data }),
    DocumentContentChanged: (document, { data: { content, size_bytes, word_count, unread_because, ...data } }) => ({
      ...document,
      ...data,
    }),
    DocumentArchived: (document) => ({ ...document, isArchived: true }),
    DocumentRestored: (document, { data }) => ({ ...document, ...data, isArchived: false }),
    DocumentTagged: (document, { data }) => ({ ...document, tags: [...document.tags, data.tag_id] }),
    DocumentUntagged: (document, { data }) => ({ ...document, tags: document.tags.filter((id) => id !== data.tag_id) }),
    DocumentDeleted: () => undefined,
  },
  title: ({ title }) => title,
});

const details = {
  language: locale.nullable(),
  source_url: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .nullable(),
  /** To archive is a command of its own. */
  status: documentStatus.exclude(['archived']),
};
const written = { content: text(1_000_000), content_type: textType };

const form = formReader(
  'A form whose field `file` is the file. The other fields are those of JSON but for `content` and `content_type`; `tag_ids` is a field for each. The title is the name of the file where none is given.',
  { lists: ['tag_ids'] },
);
const named: BodyReader = {
  ...form,
  read: async (content, context) => {
    const body = z.record(z.string(), z.unknown()).parse(await form.read(content, context));
    const file = uploadedFile.safeParse(body.file).data;
    return file ? { title: file.filename, ...body } : body;
  },
};

const eitherTextOrFile = { path: ['content'], message: 'is what the file says: give one of both' };
const isOneOf = (body: { file?: unknown; content?: unknown; content_type?: unknown }) =>
  body.file === undefined || (body.content === undefined && body.content_type === undefined);

export const createDocument = command({
  route: 'POST /documents',
  summary: 'Write a document, or upload a file as one',
  description:
    'What is uploaded is kept as it is. Its type is that of its content, whatever it is called; `content` is the text in it (of text, HTML, PDF and DOCX), or null where none can be read. Of a long text `content` is the beginning, up to 256 KiB; `/content` has the whole.',
  body: z
    .strictObject({
      id: uuidV7.optional(),
      title,
      content: written.content.optional(),
      content_type: written.content_type.optional(),
      language: details.language.default(null),
      source_url: details.source_url.default(null),
      status: details.status.default('active'),
      tag_ids: z.array(uuid).max(MAX_TAGS).default([]),
      file: uploadedFile.optional(),
    })
    .refine(isOneOf, eitherTextOrFile),
  bodies: { 'multipart/form-data': named },
  readOnly: ['file'],
  example: { title: 'Packing list', content: '# Packing list\n\n- Passport\n- Charger\n', language: 'en' },
  aggregate: document,
  creates: true,
  prepare: async (
    { user, body: { id, title, content: text = '', content_type = 'text/markdown', file, tag_ids, ...details } },
    { blobs, folds },
  ) => {
    const content = file ? await fileContent(file, user.id, blobs) : { content_type, ...(await writtenContent(text, user.id, blobs)) };
    const tags = tag_ids.length > 0 ? (await folds.fresh(documentTags, `documentTags-${user.id}`)).state?.live : undefined;
    return {
      decide: () => {
        const unknown = tag_ids.findIndex((tag) => !tags?.has(tag));
        if (unknown >= 0) return unprocessable('reference-not-found', 'This does not exist.', `/tag_ids/${unknown}`);
        return [documentCreated({ title, ...details, ...content }), ...[...new Set(tag_ids)].map((tag_id) => documentTagged({ tag_id }))];
      },
    };
  },
  answer: 'getDocument',
});

export const changeDocument = command({
  route: 'PATCH /documents/:id',
  summary: 'Rename a document, write it anew, or upload another file for it',
  description: 'What it held before stays: `/content?revision=` has the bytes, `/history` the texts.',
  body: patchOf({ title, ...written, ...details, file: uploadedFile }).refine(isOneOf, eitherTextOrFile),
  bodies: { 'multipart/form-data': form },
  readOnly: ['file'],
  example: { title: 'What to take along', content: '- Passport\n- Charger\n- Umbrella\n' },
  aggregate: document,
  creates: false,
  prepare: async ({ user, body: { title, content: text, content_type, file, ...details } }, { blobs }) => {
    const upload = file && (await fileContent(file, user.id, blobs));
    const writing = text === undefined ? undefined : await writtenContent(text, user.id, blobs);
    return {
      decide: (document) => {
        if (!document) return notFound();
        if (content_type !== undefined && !writing && !isText(document.content_type)) {
          return unprocessable('not-a-text', 'This is a file, whose type is that of its content.', '/content_type');
        }
        const ownType = isText(document.content_type) ? document.content_type : 'text/markdown';
        const next = upload ?? { ...writing, content_type: content_type ?? (writing ? ownType : document.content_type) };
        const isRevision = (next.sha256 ?? document.sha256) !== document.sha256 || next.content_type !== document.content_type;
        const changes = {
          ...changed(document, details),
          ...(isRevision && { ...next, revision_number: document.revision_number + 1 }),
        };
        const events = [
          ...(title === undefined || title === document.title ? [] : [documentRenamed({ title })]),
          ...(Object.keys(changes).length > 0 ? [documentContentChanged(changes)] : []),
        ];
        if (document.isArchived && events.length > 0) return conflict('document-archived', 'This document is archived; restore it first.');
        return events;
      },
    };
  },
  answer: 'getDocument',
});

export const archiveDocument = command({
  route: 'POST /documents/:id/archive',
  summary: 'Put a document away',
  body: noBody,
  aggregate: document,
  decide: ({ isArchived }) => (isArchived ? [] : documentArchived({})),
  answer: 'getDocument',
});

export const restoreDocument = command({
  route: 'POST /documents/:id/restore',
  summary: 'Take an archived document out again, as the draft or not that it was',
  body: noBody,
  aggregate: document,
  decide: ({ isArchived, status }) => (isArchived ? documentRestored({ status }) : []),
  answer: 'getDocument',
});

export const deleteDocument = command({
  route: 'DELETE /documents/:id',
  summary: 'Delete a document',
  body: noBody,
  aggregate: document,
  decide: () => documentDeleted({}),
});

export const tagDocument = command({
  route: 'PUT /documents/:id/tags/:tag_id',
  summary: 'Put a tag on a document',
  body: noBody,
  aggregate: document,
  needs: async ({ user }, load) => ({ tags: await load(reference(documentTags, user.id)) }),
  decide: ({ tags }, { params: { tag_id }, needs }) => {
    if (!needs.tags.state.live.has(tag_id)) return notFound();
    if (tags.includes(tag_id)) return [];
    // A tag that was deleted is still in the document's own history.
    if (tags.filter((id) => needs.tags.state.live.has(id)).length >= MAX_TAGS)
      return conflict('too-many-tags', `A document can have ${MAX_TAGS} tags.`);
    return documentTagged({ tag_id });
  },
  answer: 'getDocument',
});

export const untagDocument = command({
  route: 'DELETE /documents/:id/tags/:tag_id',
  summary: 'Take a tag off a document',
  body: noBody,
  aggregate: document,
  decide: ({ tags }, { params: { tag_id } }) => (tags.includes(tag_id) ? documentUntagged({ tag_id }) : []),
});

// Requests about documents and tags.
import fc from 'fast-check';
import { color, type Fields, id, orNull, pick, request, text, type Weighted, word } from './said.ts';

const words = fc.constantFrom('', 'one', 'two words', 'Schöne  neue-Welt, 3 times!', "don't", '# A title\n\n- and a list\n');
const documentDetails: Fields = {
  content: words,
  content_type: fc.constantFrom('text/markdown', 'text/plain'),
  language: orNull(fc.constantFrom('de', 'en')),
  source_url: orNull(fc.constantFrom('https://example.org/', 'http://example.org/a?b#c')),
  status: fc.constantFrom('draft', 'active'),
};
export const newDocument = request('POST /documents', {
  needs: { title: text },
  may: { ...documentDetails, id: id('document'), tag_ids: fc.array(pick('tag'), { maxLength: 3 }) },
});
export const newTag = request('POST /document-tags', { needs: { name: word }, may: { color, id: id('tag') } });

export const documentKinds: readonly Weighted[] = [
  [6, newDocument],
  [8, request('PATCH /documents/:id', { may: { title: text, ...documentDetails } })],
  [2, request('POST /documents/:id/archive')],
  [3, request('POST /documents/:id/restore')],
  [1, request('DELETE /documents/:id')],
  [4, request('PUT /documents/:id/tags/:tag_id')],
  [3, request('DELETE /documents/:id/tags/:tag_id')],
  [4, newTag],
  [3, request('PATCH /document-tags/:id', { may: { name: word, color } })],
  [1, request('DELETE /document-tags/:id')],
];

// What requests about emails do.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { removeEmail } from './cascades.ts';
import { changes, commandOn, type Happening, type Routes } from './core.ts';
import { change, type EmailRow, own, stamped } from './rows.ts';

const messageId = z.string();
const mailbox = z.object({ name: z.string().nullable().default(null), address: z.string() });
const marks = {
  folder: z.string(),
  is_read: z.boolean(),
  is_starred: z.boolean(),
  importance: z.string(),
  labels: z.array(z.string()).transform((labels) => [...new Set(labels)]),
};
const newEmail = z
  .object({
    id: z.uuidv7().optional(),
    direction: z.enum(['inbound', 'outbound']),
    message_id_header: messageId.nullable().default(null),
    in_reply_to: messageId.nullable().default(null),
    references: z.array(messageId).default([]),
    from_address: z.string(),
    to_addresses: z.array(mailbox).default([]),
    subject: z.string().nullable().default(null),
    body_text: z.string().nullable().default(null),
    folder: marks.folder.optional(),
    is_read: marks.is_read.optional(),
    is_starred: marks.is_starred.default(false),
    importance: marks.importance.default('normal'),
    labels: marks.labels.default([]),
    sent_at: z.string().nullable().default(null),
    received_at: z.string().nullable().default(null),
    attachments: z
      .array(z.object({ filename: z.string().nullable().default(null), is_inline: z.boolean().default(false), content: z.string() }))
      .default([]),
  })
  // An email with a Message-ID is known by that.
  .refine(({ id, message_id_header }) => id === undefined || message_id_header === null);
const patch = z.object(marks).exactPartial();

export const emailRoutes: Routes = {
  'POST /emails': ({ model: { rows, streams, said }, caller, body, newId }) => {
    const content = newEmail.parse(body);
    const { id: chosenId, references, attachments, ...email } = content;
    const known = email.message_id_header === null ? undefined : [caller.id, email.direction, email.message_id_header].join(' ');
    const id = (known === undefined ? undefined : said.emails.get(known)) ?? newId(chosenId);
    const stream = `email-${id}`;
    const row = {
      ...email,
      thread_id: `${caller.id} ${references[0] ?? email.in_reply_to ?? email.message_id_header ?? id}`,
      from_name: null,
      cc_addresses: [],
      bcc_addresses: [],
      body_html: null,
      snippet: (email.body_text ?? '').replaceAll(/\s+/g, ' ').trim(),
      folder: email.folder ?? (email.direction === 'inbound' ? 'inbox' : 'sent'),
      is_read: email.is_read ?? email.direction === 'outbound',
      has_attachments: attachments.some(({ is_inline }) => !is_inline),
    };
    const record: Happening = {
      type: email.direction === 'inbound' ? 'EmailReceived' : 'EmailSent',
      about: ['email', id],
      apply: (stamp) => {
        if (known !== undefined) said.emails.set(known, id);
        const came = email.sent_at !== null && email.sent_at <= stamp.at ? email.sent_at : stamp.at;
        const received_at = email.received_at ?? (email.direction === 'inbound' ? came : null);
        rows.emails.set(id, { ...stamped(id, caller.id, stamp), ...row, received_at });
        for (const { content, ...attachment } of attachments) {
          const bytes = Buffer.from(content, 'base64');
          const { id: _, ...stamps } = stamped(id, caller.id, stamp);
          rows.email_attachments.push({
            ...stamps,
            email_id: id,
            ...attachment,
            content_type: 'application/octet-stream',
            size_bytes: bytes.byteLength,
            content_id: null,
            sha256: createHash('sha256').update(bytes).digest('hex'),
          });
        }
      },
    };
    return {
      creates: true,
      chosenId,
      stream,
      isInUse: known === undefined && streams.has(stream),
      entity: () => own(rows.emails, id, caller.id),
      content,
      decide: () => (rows.emails.has(id) ? [] : [record]),
    };
  },
  'PATCH /emails/:id': (request) => {
    const { model, caller, params } = request;
    const said = patch.parse(request.body);
    return commandOn(request, `email-${params.id}`, own(model.rows.emails, params.id, caller.id), said, (row) => {
      const { is_read, is_starred, folder, labels, importance } = changes<Partial<EmailRow>>(row, said);
      const becomes = (type: string, set: Partial<EmailRow>): Happening[] => [
        { type, about: ['email', row.id], apply: (stamp) => change(row, stamp, set) },
      ];
      return [
        ...(is_read === undefined ? [] : becomes(is_read ? 'EmailMarkedRead' : 'EmailMarkedUnread', { is_read })),
        ...(is_starred === undefined ? [] : becomes(is_starred ? 'EmailStarred' : 'EmailUnstarred', { is_starred })),
        ...(folder === undefined ? [] : becomes('EmailMoved', { folder })),
        ...(labels === undefined ? [] : becomes('EmailLabelsChanged', { labels })),
        ...(importance === undefined ? [] : becomes('EmailImportanceChanged', { importance })),
      ];
    });
  },
  'DELETE /emails/:id': (request) => {
    const { model, caller, params } = request;
    const remove = ({ id }: EmailRow): Happening[] => [
      { type: 'EmailDeleted', about: ['email', id], apply: () => removeEmail(model.rows, id) },
    ];
    return commandOn(request, `email-${params.id}`, own(model.rows.emails, params.id, caller.id), {}, remove, 'nothing');
  },
};

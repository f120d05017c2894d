// Letters and their attachments as rows, and what happened to them as sentences.
import { v5 } from 'uuid';
import type { EventOf } from '../../events/index.ts';
import { emailAttachmentRows, emailRows } from '../../tables/emails.ts';
import { type Change, insert, projection, remove, update } from '../projection.ts';
import { quoted, teller } from '../sentence.ts';

type Recorded = EventOf<'EmailReceived'> | EventOf<'EmailSent'>;

/**
 * An email's attachments are its event's, and their ids are made from that event's. Sorted, so that by their ids they are in the
 * order of the letter: a list goes by the time, which is the same for all of them, and then by the id.
 */
const recorded = (direction: 'inbound' | 'outbound', { id, event_id, data, meta }: Recorded): Change[] => {
  const { references, attachments, ...email } = data;
  const ids = attachments.map((_, place) => v5(String(place), event_id)).sort();
  const has_attachments = attachments.some(({ is_inline }) => !is_inline);
  return [
    insert(emailRows, { id, ...email, direction, has_attachments }),
    ...attachments.map((attachment, place) =>
      insert(emailAttachmentRows, {
        id: ids[place] ?? v5(String(place), event_id),
        email_id: id,
        ...attachment,
        blob_key: `${meta.user_id}/${attachment.sha256}`,
      }),
    ),
  ];
};

export const emails = projection('emails', 2, {
  EmailReceived: (event) => recorded('inbound', event),
  EmailSent: (event) => recorded('outbound', event),
  EmailMarkedRead: ({ id }) => update(emailRows, id, { is_read: true }),
  EmailMarkedUnread: ({ id }) => update(emailRows, id, { is_read: false }),
  EmailStarred: ({ id }) => update(emailRows, id, { is_starred: true }),
  EmailUnstarred: ({ id }) => update(emailRows, id, { is_starred: false }),
  EmailMoved: ({ id, data }) => update(emailRows, id, { folder: data.folder }),
  EmailLabelsChanged: ({ id, data }) => update(emailRows, id, { labels: data.labels }),
  EmailImportanceChanged: ({ id, data }) => update(emailRows, id, { importance: data.importance }),
  EmailDeleted: ({ id }) => remove(emailRows, { id }),
});

export const emailSentences = teller('email', {
  EmailReceived: ({ data: { from_address, from_name, thread_id, attachments }, meta }) => ({
    summary: `Received the email${quoted(meta.title)}${from_address && ` from ${from_name ?? from_address}`}`,
    details: { from_address, thread_id, attachments: attachments.length },
  }),
  EmailSent: ({ data: { to_addresses, thread_id, attachments }, meta }) => ({
    summary: `Sent the email${quoted(meta.title)}${toWhom(to_addresses)}`,
    details: { to_addresses: to_addresses.map(({ address }) => address), thread_id, attachments: attachments.length },
  }),
  EmailMarkedRead: ({ meta }) => `Marked the email${quoted(meta.title)} as read`,
  EmailMarkedUnread: ({ meta }) => `Marked the email${quoted(meta.title)} as unread`,
  EmailStarred: ({ meta }) => `Starred the email${quoted(meta.title)}`,
  EmailUnstarred: ({ meta }) => `Took the star off the email${quoted(meta.title)}`,
  EmailMoved: ({ data, meta }) => ({ summary: `Moved the email${quoted(meta.title)} to ${data.folder}`, details: { ...data } }),
  EmailLabelsChanged: ({ data, meta }) => ({ summary: `Labelled the email${quoted(meta.title)}`, details: { ...data } }),
  EmailImportanceChanged: ({ data, meta }) => ({
    summary: `Marked the email${quoted(meta.title)} as of ${data.importance} importance`,
    details: { ...data },
  }),
  EmailDeleted: ({ meta }) => `Deleted the email${quoted(meta.title)}`,
});

function toWhom(addresses: readonly { readonly name: string | null; readonly address: string }[]): string {
  const [first, ...others] = addresses;
  if (!first) return '';
  return ` to ${first.name ?? first.address}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

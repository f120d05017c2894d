// A raw message (RFC 5322, with MIME) as the body of a command. postal-mime reads it, which never refuses what a mailer may
// have written: so do we, and clean what it gives of what no store can keep. Nothing of it is ever run or fetched.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Address, Attachment, Email } from 'postal-mime';
import { unprocessable } from '../../problem.ts';
import { mediaType } from '../../vocabulary.ts';
import type { BodyReader } from '../command.ts';
import { dateIn } from './dates.ts';
import { messageIdsIn } from './identity.ts';
import { readMime } from './mime.ts';

/** What an event has room for, of each text. */
const MAX_TEXT_BYTES = 256 * 1024;
const MAX_FILENAME = 255;
/** What an email has room for, of a header. */
export const MAX_ADDRESSES = 2_000;
export const MAX_ADDRESS = 998;
export const MAX_SUBJECT = 10_000;
const MAX_ATTACHMENTS = 1_000;

type Mailbox = { readonly name: string | null; readonly address: string };

/** One of these is in every message, but in hardly anything else. */
const TELLING = ['from', 'sender', 'to', 'cc', 'date', 'subject', 'message-id', 'received', 'return-path'];

export const rfc5322Message: BodyReader = {
  description:
    'A message as mailers store and send it (RFC 5322). It has come, unless the type has a parameter: `message/rfc822; direction=outbound`. A text of more than 256 KiB becomes an attachment; so does the whole header, as `headers.txt`, where a subject of more than 10,000 letters, an address of more than 998 or more than 2,000 addresses had to be cut.',
  read: async (content, { contentType, owner, blobs }) => {
    const bytes = Buffer.concat(await Array.fromAsync(content));
    const { message, written } = await parse(bytes);
    const header = (name: string) => message.headers.find(({ key }) => key === name)?.value;
    const [, direction = 'inbound'] = /;\s*direction="?([^\s;"]*)/i.exec(contentType) ?? [];
    const [message_id_header = null] = messageIdsIn(header('message-id'));
    const [in_reply_to = null] = messageIdsIn(header('in-reply-to'));
    const [from] = mailboxesIn([message.from, message.sender].flatMap((address) => address ?? []));
    const { cut, first, isAnythingCut } = cutting();
    const named = (name: string | null) => (name === null ? null : cut(name, MAX_ADDRESS));
    const mailboxes = (addresses: Address[] | undefined) =>
      first(mailboxesIn(addresses), MAX_ADDRESSES).map(({ name, address }) => ({ name: named(name), address: cut(address, MAX_ADDRESS) }));
    if (message.attachments.length > MAX_ATTACHMENTS) {
      throw unprocessable('too-many-attachments', `An email can have ${MAX_ATTACHMENTS} attachments.`, '');
    }
    const stored = [];
    for (const part of message.attachments) stored.push({ ...described(part), ...(await blobs.put(owner, [bytesOf(part)])) });

    const said = {
      from_address: cut(from?.address ?? clean(message.returnPath) ?? '', MAX_ADDRESS),
      from_name: named(from?.name ?? null),
      to_addresses: mailboxes(message.to),
      cc_addresses: mailboxes(message.cc),
      bcc_addresses: mailboxes(message.bcc),
      subject: message.subject ? cut(line(message.subject) ?? '', MAX_SUBJECT) : null,
    };
    const tooLong = (text: string | null) => text !== null && Buffer.byteLength(JSON.stringify(text)) > MAX_TEXT_BYTES;
    const [body_text, body_html] = [clean(message.text), clean(message.html)];
    for (const [isKept, text, filename, content_type] of [
      [tooLong(body_text), body_text, 'body.txt', 'text/plain'],
      [tooLong(body_html), body_html, 'body.html', 'text/html'],
      [isAnythingCut(), written, 'headers.txt', 'text/rfc822-headers'],
    ] as const) {
      if (!isKept || text === null) continue;
      stored.push({ filename, content_type, content_id: null, is_inline: false, ...(await blobs.put(owner, [Buffer.from(text)])) });
    }
    return {
      direction,
      message_id_header,
      in_reply_to,
      references: messageIdsIn(header('references')),
      ...said,
      body_text: tooLong(body_text) ? null : body_text,
      body_html: tooLong(body_html) ? null : body_html,
      importance: importanceIn(header),
      sent_at: dateIn(header('date')),
      received_at: dateIn(header('received')?.split(';').at(-1)),
      stored_attachments: stored,
      // What else would say that two letters without a Message-ID are one?
      ...(message_id_header === null && { raw_sha256: createHash('sha256').update(bytes).digest('hex') }),
    };
  },
};

/** Cuts texts and lists to what there is room for, and remembers whether it had to. */
function cutting() {
  let isCut = false;
  const isTooLong = ({ length }: { readonly length: number }, room: number) => {
    isCut ||= length > room;
    return length > room;
  };
  return {
    isAnythingCut: () => isCut,
    /** Between two characters, not within one. */
    cut: (text: string, room: number) => (isTooLong(text, room) ? text.slice(0, room).replace(/[\ud800-\udbff]$/, '') : text),
    first: <Item>(items: readonly Item[], room: number) => (isTooLong(items, room) ? items.slice(0, room) : items),
  };
}

/** The message, and its header as it is written. */
async function parse(bytes: Buffer): Promise<{ readonly message: Email; readonly written: string }> {
  const { header, body } = split(bytes);
  const message = await readMime(Buffer.concat([Buffer.from(header), body])).catch((error: unknown) => {
    // Nested too deep, or a header beyond all measure.
    throw unprocessable(
      'message-unreadable',
      `This message cannot be read: ${error instanceof Error ? error.message : 'it is broken'}.`,
      '',
    );
  });
  if (!message.headers.some(({ key }) => TELLING.includes(key))) {
    throw unprocessable(
      'not-a-message',
      'This is no RFC 5322 message: it does not begin with a header that says from whom or what it is.',
      '',
    );
  }
  // Parts that are said to be there and cannot be found are still something that was written.
  const isEmpty = message.text === undefined && message.html === undefined && message.attachments.length === 0;
  const isLost = isEmpty && body.toString('latin1').trim() !== '';
  return { message: isLost ? { ...message, text: decoded(body).trim() } : message, written: header };
}

/**
 * Cut at the first empty line, or where there is none before the first line that is no field; and without the line that
 * mailboxes put before it. Where no charset is named, 8-bit text is UTF-8 or else that of Windows.
 */
function split(bytes: Buffer): { readonly header: string; readonly body: Buffer } {
  const start = /^>?From /.test(bytes.toString('latin1', 0, 6)) ? bytes.indexOf('\n') + 1 : 0;
  const message = bytes.subarray(start);
  const gaps = ['\r\n\r\n', '\n\n'].map((gap) => message.indexOf(gap)).filter((at) => at >= 0);
  const end = gaps.length > 0 ? Math.min(...gaps) : message.toString('latin1').search(NO_FIELD);
  if (end < 0) return { header: decoded(message), body: Buffer.alloc(0) };
  const body = message.subarray(end);
  return { header: decoded(message.subarray(0, end)), body: gaps.length > 0 ? body : Buffer.concat([Buffer.from('\r\n'), body]) };
}

/** The end of a line after which comes neither a field nor more of one. */
const NO_FIELD = /\r?\n(?![!-9;-~]+[ \t]*:|[ \t]|\r?\n|$)/;

const decoded = (bytes: Buffer): string => new TextDecoder(isUtf8(bytes) ? 'utf-8' : 'windows-1252').decode(bytes);

/** Postgres keeps neither NUL nor half a surrogate pair, and one gets at either by an encoded word. */
const clean = (text: string | null | undefined): string | null =>
  text === undefined || text === null || text === '' ? null : text.toWellFormed().replaceAll('\0', '\ufffd');

/** What stands in one field of a header is one line, whatever an encoded word has put into it. */
const line = (text: string | null | undefined): string | null => clean(text?.replaceAll(/\s*[\r\n\u2028\u2029]\s*/g, ' ').trim());

/** Addresses without the groups that they are in. One that is no address has nothing to be written to. */
const mailboxesIn = (addresses: readonly Address[] = []): Mailbox[] =>
  addresses
    .flatMap((address) => address.group ?? address)
    .flatMap(({ name, address }) => {
      const written = line(address) ?? line(name);
      return written === null ? [] : [{ name: address ? line(name) : null, address: written }];
    });

const importances: Readonly<Record<string, 'high' | 'low'>> = { high: 'high', urgent: 'high', low: 'low', 'non-urgent': 'low' };

/** RFC 2156 sections 5.3.5 and 5.3.6; X-Priority, from 1 to 5, is nobody's standard and everybody's habit. */
function importanceIn(header: (name: string) => string | undefined): 'low' | 'normal' | 'high' {
  const said = (header('importance') ?? header('priority'))?.trim().toLowerCase() ?? '';
  const [number = ''] = /\d/.exec(header('x-priority') ?? '') ?? [];
  return importances[said] ?? (/[12]/.test(number) ? 'high' : /[45]/.test(number) ? 'low' : 'normal');
}

function described({ filename, mimeType, disposition, contentId, related }: Attachment) {
  const content_id = clean(contentId?.trim().replace(/^<(.*)>$/s, '$1'))?.slice(0, 998) ?? null;
  const name = [...(clean(filename) ?? '').replaceAll(/\p{Cc}/gu, ' ').trim()].slice(-MAX_FILENAME).join('');
  return {
    filename: name || null,
    content_type: mediaType.safeParse(mimeType).data ?? 'application/octet-stream',
    content_id,
    // Some mailers call all that they attach inline; what is shown within a text is named by it.
    is_inline: content_id !== null && (related === true || disposition === 'inline'),
  };
}

const bytesOf = ({ content }: Attachment): Uint8Array =>
  typeof content === 'string' ? Buffer.from(content) : content instanceof Uint8Array ? content : new Uint8Array(content);

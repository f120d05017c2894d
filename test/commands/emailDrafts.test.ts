import { describe, expect, test } from 'vitest';
import {
  changeEmailDraft,
  createEmailDraft,
  discardEmailDraft,
  emailDraft,
  haveFailed,
  haveSent,
  scheduleEmailDraft,
  sendEmailDraft,
  startSending,
  unscheduleEmailDraft,
} from '../../src/commands/emails/draft.ts';
import { email } from '../../src/commands/emails/email.ts';
import {
  emailDeleted,
  emailDraftChanged,
  emailDraftCreated,
  emailDraftDiscarded,
  emailDraftScheduled,
  emailDraftSendFailed,
  emailDraftSendStarted,
  emailDraftSent,
  emailDraftUnscheduled,
  emailReceived,
} from '../../src/events/emails.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { BEFORE, given, givenNothing, ID, ME, NOBODYS_ID, NOW, OTHER_ID, STRANGER } from '../support/given.ts';

const LATER = '2026-03-05T08:00:00.000Z';
const bob = { name: 'Bob', address: 'bob@example.com' };
const dinner = {
  in_reply_to_email_id: null,
  to_addresses: [bob],
  cc_addresses: [],
  bcc_addresses: [],
  subject: 'Dinner',
  body_text: 'At seven?',
  body_html: null,
};
const nothingYet = { ...dinner, to_addresses: [], subject: null, body_text: null };
const created = emailDraftCreated({ ...dinner, author: 'user' });
const givenDraft = (...events: readonly NewEvent[]) => given(emailDraft, [created, ...events]);

const scheduled = emailDraftScheduled({ send_at: LATER });
const sendNow = emailDraftScheduled({ send_at: BEFORE });
const started = emailDraftSendStarted({ message_id_header: '<1@example.com>' });
const sent = emailDraftSent({ sent_email_id: OTHER_ID, refused_addresses: [] });
const failed = emailDraftSendFailed({ outcome: 'not_sent', error: '550 No' });
const lost = emailDraftSendFailed({ outcome: 'unknown', error: 'Gone' });
const discarded = emailDraftDiscarded({});

const isBeingWritten: [string, NewEvent[]][] = [
  ['is new', []],
  ['could not be sent', [sendNow, started, failed]],
  ['was taken off the schedule', [scheduled, emailDraftUnscheduled({})]],
];
const isSending: [string, NewEvent[]] = ['sending', [sendNow, started]];
const isSent: [string, NewEvent[]] = ['sent', [sendNow, started, sent]];
const isUnknown: [string, NewEvent[]] = ['unknown', [sendNow, started, lost]];
const isDiscarded: [string, NewEvent[]] = ['discarded', [discarded]];
const isScheduled: [string, NewEvent[]] = ['scheduled', [scheduled]];

const letter = emailReceived({
  message_id_header: '<0@example.com>',
  thread_id: OTHER_ID,
  in_reply_to: null,
  references: [],
  from_address: 'bob@example.com',
  from_name: 'Bob',
  to_addresses: [],
  cc_addresses: [],
  bcc_addresses: [],
  subject: 'Dinner',
  body_text: 'When?',
  body_html: null,
  snippet: 'When?',
  folder: 'inbox',
  is_read: false,
  is_starred: false,
  importance: 'normal',
  labels: [],
  sent_at: null,
  received_at: BEFORE,
  attachments: [],
});

describe('beginning to write', () => {
  test('needs nothing', () =>
    givenNothing()
      .when(createEmailDraft, {})
      .thenAppends([emailDraftCreated({ ...nothingYet, author: 'user' })]));
  test('keeps what is said, and who says it', () =>
    givenNothing()
      .when(
        createEmailDraft,
        { to_addresses: [bob], subject: 'Dinner', body_text: 'At seven?' },
        { user: { id: ME, role: 'user', actor: 'assistant', login_id: OTHER_ID } },
      )
      .thenAppends([emailDraftCreated({ ...dinner, author: 'assistant' })]));
  test('can be in reply to an email', () =>
    given(email, [letter], OTHER_ID)
      .when(createEmailDraft, { in_reply_to_email_id: OTHER_ID })
      .thenAppends([emailDraftCreated({ ...nothingYet, in_reply_to_email_id: OTHER_ID, author: 'user' })]));
  test('cannot be in reply to what is not there, is gone or someone else’s', async () => {
    const refuses = (before: ReturnType<typeof givenNothing>, id: string) =>
      before.when(createEmailDraft, { in_reply_to_email_id: id }).thenRefuses(422, 'reference-not-found', '/in_reply_to_email_id');
    await refuses(givenNothing(), NOBODYS_ID);
    await refuses(given(email, [letter, emailDeleted({})], OTHER_ID), OTHER_ID);
    await refuses(given(email, [letter], OTHER_ID, STRANGER), OTHER_ID);
  });
  test.for([
    ['subject', 'Dinner\r\nBcc: eve@example.com', '/subject'],
    ['subject', 'Dinner\u0000', '/subject'],
    ['subject', 'Dinner\u2028', '/subject'],
    ['to_addresses', [{ address: 'bob@example.com\r\nBcc: eve@example.com' }], '/to_addresses/0/address'],
    ['to_addresses', [{ address: 'bob@example.com, eve@example.com' }], '/to_addresses/0/address'],
    ['to_addresses', [{ address: 'Bob <bob@example.com>' }], '/to_addresses/0/address'],
    ['cc_addresses', [{ name: 'Bob\nBcc: eve@example.com', address: 'bob@example.com' }], '/cc_addresses/0/name'],
    ['bcc_addresses', [{ name: 'Bob', address: 'nobody' }], '/bcc_addresses/0/address'],
  ] as const)('refuses what would be another header, or no address: %s %j', ([field, value, pointer]) =>
    givenNothing()
      .when(createEmailDraft, { [field]: value })
      .thenRefuses(400, 'validation-failed', pointer),
  );
});

describe('going on to write', () => {
  test.for(isBeingWritten)('changes a draft that %s', ([, before]) =>
    givenDraft(...before)
      .when(changeEmailDraft, { subject: 'Supper', cc_addresses: [{ address: 'cleo@example.com' }] })
      .thenAppends([emailDraftChanged({ subject: 'Supper', cc_addresses: [{ name: null, address: 'cleo@example.com' }] })]),
  );
  test('to what it is already appends nothing', () =>
    givenDraft()
      .when(changeEmailDraft, { subject: 'Dinner', to_addresses: [bob] })
      .thenAppends([]));
  test.for([isScheduled, isSending, isSent, isUnknown, isDiscarded])('is refused where it is %s', ([status, before]) =>
    givenDraft(...before)
      .when(changeEmailDraft, { subject: 'Supper' })
      .thenRefuses(409, `draft-${status}`),
  );
});

describe('scheduling', () => {
  test.for([...isBeingWritten, ['was scheduled for another time', [emailDraftScheduled({ send_at: NOW })]] as [string, NewEvent[]]])(
    'says when a draft is to be sent that %s',
    ([, before]) =>
      givenDraft(...before)
        .when(scheduleEmailDraft, { send_at: '2026-03-05T09:00:00+01:00' })
        .thenAppends([scheduled]),
  );
  test('for the same time appends nothing', () => givenDraft(scheduled).when(scheduleEmailDraft, { send_at: LATER }).thenAppends([]));
  test('is refused for a time that has passed', () =>
    givenDraft().when(scheduleEmailDraft, { send_at: BEFORE }).thenRefuses(422, 'time-has-passed', '/send_at'));
  test('is refused where there is nobody to send it to', () =>
    given(emailDraft, [emailDraftCreated({ ...nothingYet, author: 'user' })])
      .when(scheduleEmailDraft, { send_at: LATER })
      .thenRefuses(409, 'no-recipients'));
  test('takes one who is sent it in secret for somebody', () =>
    given(emailDraft, [emailDraftCreated({ ...nothingYet, bcc_addresses: [bob], author: 'user' })])
      .when(scheduleEmailDraft, { send_at: LATER })
      .thenAppends([scheduled]));
  test.for([isSending, isSent, isUnknown, isDiscarded])('is refused where it is %s', ([status, before]) =>
    givenDraft(...before)
      .when(scheduleEmailDraft, { send_at: LATER })
      .thenRefuses(409, `draft-${status}`),
  );
});

describe('unscheduling', () => {
  test('takes a draft off the schedule', () =>
    givenDraft(scheduled)
      .when(unscheduleEmailDraft)
      .thenAppends([emailDraftUnscheduled({})]));
  test.for(isBeingWritten)('appends nothing for a draft that %s', ([, before]) =>
    givenDraft(...before)
      .when(unscheduleEmailDraft)
      .thenAppends([]),
  );
  test.for([isSending, isSent, isUnknown, isDiscarded])('is refused where it is %s', ([status, before]) =>
    givenDraft(...before)
      .when(unscheduleEmailDraft)
      .thenRefuses(409, `draft-${status}`),
  );
});

describe('sending', () => {
  const now = emailDraftScheduled({ send_at: NOW });
  test.for([...isBeingWritten, isScheduled])('is scheduling for now, where a draft %s', ([, before]) =>
    givenDraft(...before)
      .when(sendEmailDraft)
      .thenAppends([now]),
  );
  test.for([['is to be sent now', [sendNow]] as [string, NewEvent[]], isSending, isSent])(
    'again appends nothing where it %s',
    ([, before]) =>
      givenDraft(...before)
        .when(sendEmailDraft)
        .thenAppends([]),
  );
  test('of what may have been sent is refused, unless it is said so', async () => {
    await givenDraft(...isUnknown[1])
      .when(sendEmailDraft)
      .thenRefuses(409, 'draft-unknown');
    await givenDraft(...isUnknown[1])
      .when(sendEmailDraft, { again: true })
      .thenAppends([now]);
  });
  test('of what was discarded is refused', () =>
    givenDraft(discarded).when(sendEmailDraft, { again: true }).thenRefuses(409, 'draft-discarded'));
  test('is refused where there is nobody to send it to', () =>
    given(emailDraft, [emailDraftCreated({ ...nothingYet, author: 'user' })])
      .when(sendEmailDraft)
      .thenRefuses(409, 'no-recipients'));
});

describe('discarding', () => {
  test.for([...isBeingWritten, isScheduled, isUnknown])('is done to a draft that %s', ([, before]) =>
    givenDraft(...before)
      .when(discardEmailDraft)
      .thenAppends([discarded]),
  );
  test('again appends nothing', () => givenDraft(discarded).when(discardEmailDraft).thenAppends([]));
  test.for([isSending, isSent])('is refused where it is %s', ([status, before]) =>
    givenDraft(...before)
      .when(discardEmailDraft)
      .thenRefuses(409, `draft-${status}`),
  );
});

test.for([changeEmailDraft, scheduleEmailDraft, unscheduleEmailDraft, sendEmailDraft, discardEmailDraft])(
  '$route finds nothing of someone else’s',
  (command) => given(emailDraft, [created], ID, STRANGER).when(command, command.example).thenRefuses(404, 'not-found'),
);

describe('of one who sends drafts', () => {
  const draft = {
    ...dinner,
    status: 'scheduled',
    send_at: BEFORE,
    message_id_header: null,
    tries: 0,
    started_at: null,
    scheduled_by: null,
  } as const;
  const first = '<1@example.com>';

  test('the first to say so takes one that is due', () => {
    expect(startSending(draft, NOW, first)).toEqual(emailDraftSendStarted({ message_id_header: first }));
    expect(startSending({ ...draft, send_at: NOW }, NOW, first)).toEqual(emailDraftSendStarted({ message_id_header: first }));
  });
  test('nobody takes what is not due, or taken', () => {
    expect(startSending({ ...draft, send_at: LATER }, NOW, first)).toEqual([]);
    for (const status of ['draft', 'sending', 'sent', 'failed', 'unknown', 'discarded'] as const) {
      expect(startSending({ ...draft, status }, NOW, first)).toEqual([]);
    }
  });
  test('every try has the Message-ID of the first', () =>
    expect(startSending({ ...draft, message_id_header: first }, NOW, '<2@example.com>')).toEqual(
      emailDraftSendStarted({ message_id_header: first }),
    ));

  test('what was sent is so, whatever was believed of it', () => {
    for (const status of ['sending', 'unknown', 'scheduled', 'failed', 'discarded'] as const) {
      expect(haveSent({ ...draft, status }, OTHER_ID, ['a@b.example'])).toEqual(
        emailDraftSent({ sent_email_id: OTHER_ID, refused_addresses: ['a@b.example'] }),
      );
    }
    expect(haveSent({ ...draft, status: 'sent' }, OTHER_ID, [])).toEqual([]);
  });
  test('a failure is of its own try', () => {
    const sending = { ...draft, status: 'sending', tries: 2 } as const;
    expect(haveFailed(sending, 2, 'not_sent', '550 No')).toEqual(failed);
    expect(haveFailed(sending, 1, 'not_sent', '550 No')).toEqual([]);
    expect(haveFailed({ ...sending, status: 'sent' }, 2, 'not_sent', '550 No')).toEqual([]);
  });
  test('what was unknown can turn out not to have been sent', () => {
    const unknown = { ...draft, status: 'unknown', tries: 1 } as const;
    expect(haveFailed(unknown, 1, 'not_sent', '550 No')).toEqual(failed);
    expect(haveFailed(unknown, 1, 'unknown', 'Gone')).toEqual([]);
  });
});

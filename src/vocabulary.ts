// The words that events, request bodies and table rows share: identifiers, times, texts and every enum of the domain, as
// zod schemas. What a schema here lets through, both stores can keep.
import { z } from 'zod';

// Identifiers, lower-cased as Postgres gives them back, so that two spellings of one id are equal.
export const uuid = z.uuid().toLowerCase();
/** The kind that sorts by time of making (RFC 9562 section 5.7): what a client that names a new entity itself has to bring. */
export const uuidV7 = z.uuidv7('must be a UUID of version 7').toLowerCase();

const STORED_INSTANT = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A point in time as Daybook keeps it: UTC, always three digits of a second, so that instants sort as text. */
export const storedInstant = z.string().regex(STORED_INSTANT).meta({ format: 'date-time' });

/** A point in time as anyone may write it (RFC 3339, the offset included), turned into the form that is kept. */
export const instant = z
  .string()
  .meta({ format: 'date-time' })
  .transform((text, context) => {
    if (isKept(text)) return text;
    const kept = RFC_3339.test(text) ? utcMilliseconds(text) : undefined;
    if (kept !== undefined) return kept;
    context.addIssue({ code: 'custom', message: 'must be an RFC 3339 date-time with an offset, such as 2026-11-24T07:08:03Z' });
    return z.NEVER;
  })
  .pipe(storedInstant);

/** Whether it is in the form that is kept, as all in the log is: to tell that takes less than to have Temporal read it. */
function isKept(text: string): boolean {
  const milliseconds = STORED_INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString() === text;
}

function utcMilliseconds(text: string): string | undefined {
  try {
    const kept = Temporal.Instant.from(text).toString({ fractionalSecondDigits: 3 });
    // An offset can lead out of the years 1 to 9999, which is all that both RFC 3339 and Postgres can say.
    return STORED_INSTANT.test(kept) ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** An IANA time zone by name, in the spelling of the registry. */
export const timezone = z
  .string()
  .max(64)
  .transform((name, context) => {
    try {
      // Temporal takes offsets and whole date-times for zones, too; a name begins with a letter.
      if (/^[a-z][\w+/-]*$/i.test(name)) return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
    } catch {}
    context.addIssue({ code: 'custom', message: 'must be an IANA time zone, such as Europe/Vienna' });
    return z.NEVER;
  })
  .pipe(z.string());

/** A BCP 47 language tag in its canonical form. */
export const locale = z
  .string()
  .max(100)
  .transform((tag, context) => {
    try {
      const [canonical] = Intl.getCanonicalLocales(tag);
      if (canonical !== undefined) return canonical;
    } catch {}
    context.addIssue({ code: 'custom', message: 'must be a BCP 47 language tag, such as en or de-AT' });
    return z.NEVER;
  })
  .pipe(z.string());

export const emailAddress = z.string().trim().pipe(z.email().max(254));
export const color = z
  .string()
  .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #1f6feb')
  .toLowerCase();
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal');

// Postgres keeps neither NUL nor half a surrogate pair, in text or in JSON.
const isStorable = (text: string) => text.isWellFormed() && !text.includes('\0');
const UNSTORABLE = 'must not contain NUL or unpaired surrogates';

/** Prose of any kind up to a length, kept as it was written. */
export const text = (maximumLength: number) => z.string().max(maximumLength).refine(isStorable, UNSTORABLE);
/** As long as one event can well carry (a log takes 1 MiB at once). */
export const longText = text(256 * 1024);
/** What names something: not blank, without space around it. */
const label = (maximumLength: number) => z.string().trim().min(1).max(maximumLength).refine(isStorable, UNSTORABLE);
export const title = label(500);
export const name = label(200);

/** What stands in a header: one line, without anything that would end it and begin another header. */
export const headerText = (maximumLength: number) =>
  text(maximumLength).refine((value) => !/[\p{Cc}\u2028\u2029]/u.test(value), 'must be one line, without control characters');

const DEEPEST_JSON = 64;

/** An object of whatever JSON its author likes, within reason. */
export const jsonObject = z
  .record(z.string(), z.unknown())
  .refine((object) => isStorableJson(object, 0), `must be JSON at most ${DEEPEST_JSON} levels deep, and ${UNSTORABLE}`);

function isStorableJson(value: unknown, depth: number): boolean {
  if (depth > DEEPEST_JSON) return false;
  if (typeof value === 'string') return isStorable(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every((element) => isStorableJson(element, depth + 1));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).every(([key, property]) => isStorable(key) && isStorableJson(property, depth + 1));
  }
  return typeof value === 'boolean' || value === null;
}

const jsonUpTo = (kibibytes: number) =>
  jsonObject.refine((object) => Buffer.byteLength(JSON.stringify(object)) <= kibibytes * 1024, `must be at most ${kibibytes} KiB of JSON`);

/** What one notes about something, as against what it says: an object that stays small. */
export const smallObject = jsonUpTo(64);
/** As much as one event can well carry. */
export const largeObject = jsonUpTo(256);

/** Dollars with six decimals at most, as a `numeric(12, 6)` keeps them; so few digits are exact in a number of JavaScript, too. */
export const usd = z
  .number()
  .min(0)
  .max(999_999.999999)
  .refine((amount) => Number(amount.toFixed(6)) === amount, 'must have six decimals at most');

/** A media type with its parameters (RFC 9110 section 8.3.1). */
export const mediaType = z
  .string()
  .max(200)
  .regex(/^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:[ \t]*;[\t\x20-\x7e]*)?$/, 'must be a media type such as text/markdown');

/** A mailbox as a header names it (RFC 5322 section 3.4). From outside, an address need not be a valid one. */
export const mailbox = z.object({ name: z.string().nullable(), address: z.string() });

export const userRole = z.enum(['user', 'admin']);
export const userStatus = z.enum(['active', 'suspended', 'deleted']);

export const sessionChannel = z.enum(['web', 'mobile', 'cli', 'voice', 'email', 'api']);
export const sessionStatus = z.enum(['active', 'archived', 'ended']);

export const messageRole = z.enum(['user', 'assistant', 'system', 'tool']);
export const llmRequestStatus = z.enum(['pending', 'succeeded', 'failed', 'cancelled']);

/** What a person files an email under. A list of them goes between commas. */
export const emailLabel = name.refine((label) => !label.includes(','), 'must not contain a comma');
export const emailDirection = z.enum(['inbound', 'outbound']);
export const emailFolder = z.enum(['inbox', 'sent', 'drafts', 'archive', 'spam', 'trash']);
export const emailImportance = z.enum(['low', 'normal', 'high']);
export const draftStatus = z.enum(['draft', 'scheduled', 'sending', 'sent', 'failed', 'unknown', 'discarded']);
export const draftAuthor = z.enum(['user', 'assistant']);
/** How a try to send ended that is not known to have got through. */
export const sendFailure = z.enum(['not_sent', 'unknown']);

export const calendarEventStatus = z.enum(['confirmed', 'tentative', 'cancelled']);
export const visibility = z.enum(['public', 'private', 'confidential']);
export const transparency = z.enum(['opaque', 'transparent']);
export const invitationRole = z.enum(['chair', 'required', 'optional', 'informational']);
export const invitationResponse = z.enum(['needs_action', 'accepted', 'declined', 'tentative']);

export const documentStatus = z.enum(['draft', 'active', 'archived']);
/** Why a file has no text: files of its type have none, it is damaged or locked, or to read it takes too much time or memory. */
export const unreadBecause = z.enum(['no_text', 'damaged', 'too_much']);

export const taskStatus = z.enum(['todo', 'in_progress', 'blocked', 'done', 'cancelled']);
export const taskPriority = z.enum(['none', 'low', 'medium', 'high', 'urgent']);
export const taskSourceType = z.enum(['message', 'email']);

export const entityType = z.enum(['user', 'session', 'message', 'email', 'draft', 'event', 'document', 'task', 'task_list']);
/** What something can happen to. */
export const activityEntityType = z.enum([
  ...entityType.options,
  ...(['task_label', 'document_tag', 'relationship', 'llm_request', 'integration_log'] as const),
]);
/** What can be searched. */
export const searchedType = entityType.extract(['message', 'email', 'event', 'document', 'task']);
export const searchMode = z.enum(['hybrid', 'text', 'vector']);
export const relationshipAuthor = z.enum(['user', 'assistant', 'system']);
/** What one thing has to do with another, as a verb that a program can compare: mentions, works_on. */
export const relationType = z
  .string()
  .max(100)
  .regex(/^[a-z][a-z0-9_]*$/, 'must be lower-case words joined by _, such as works_on');
/** From not at all to wholly. */
export const strength = z.number().min(0).max(1);

/** Who did it: the person, the assistant on their behalf, Daybook by itself, or a service that is connected. */
export const actor = z.enum(['user', 'assistant', 'system', 'integration']);
/** On whose behalf a token speaks. */
export const loginActor = z.enum(['user', 'assistant']);

/** What Daybook is connected to, by a short name: `smtp`, `google-calendar`. It is a part of the stream's name. */
export const integrationName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/, 'must be a name such as google-calendar');
export const integrationDirection = z.enum(['inbound', 'outbound']);
export const integrationStatus = z.enum(['succeeded', 'failed', 'retried', 'skipped']);

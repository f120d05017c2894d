// The parts of a file that have one UID, put together: a series, with what is otherwise in some of its occurrences.
import { occurringAmong } from '../occurrences.ts';
import { MOST_EXCEPTIONS, recurrenceRule } from '../recurrence.ts';
import { instantOf, wallClock } from '../zonedTime.ts';
import { type Moment, pointOf } from './moments.ts';
import { type Changes, type EventBody, type Invitee, type Part, type Times, tooManyExceptions } from './part.ts';

export type ReadEvent = {
  /** That of the body. An occurrence that came without the series it is of has one of its own. */
  readonly uid: string;
  readonly line: number;
  readonly body: EventBody;
  readonly invitees: readonly Invitee[];
  /** Of an occurrence that came without its series: which one it is, as its own times have it, and whether it says a title. */
  readonly occurrence?: { readonly uid: string; readonly recurrence_id: string; readonly isNamed: boolean };
};

/** The parts of one UID: the latest of its series with what its occurrences say, and occurrences that are of no series here. @throws Unreadable */
export function joined(parts: readonly Part[]): ReadEvent[] {
  const latest = (of: readonly Part[]) =>
    of.reduce<Part | undefined>((last, part) => (last && last.sequence > part.sequence ? last : part), undefined);
  // What has a rule is no one occurrence, and the series where nothing else is, even if it says which occurrence it is.
  const series =
    latest(parts.filter(({ recurrence_id }) => recurrence_id === null)) ??
    latest(parts.filter(({ event }) => event.recurrence_rule !== null));
  const occurrences = [
    ...Map.groupBy(
      parts.filter((part) => part !== series && part.recurrence_id !== null),
      ({ recurrence_id }) => recurrence_id,
    ).values(),
  ]
    .map(latest)
    .filter((part) => part !== undefined);
  const alone = ({ uid: uidOfSeries, recurrence_id, line, event, invitees }: Part): ReadEvent => {
    const uid = `${uidOfSeries}/${recurrence_id}`;
    return { uid, line, invitees, body: { ...event, ical_uid: uid, recurrence_rule: null, recurrence_exceptions: [] } };
  };
  if (!series) {
    return occurrences.map((part): ReadEvent => {
      const { uid, recurrence_id, isNamed } = part;
      return recurrence_id === null ? alone(part) : { ...alone(part), occurrence: { uid, recurrence_id, isNamed } };
    });
  }
  const { event } = series;
  const without = series.exdates.map((moment) => excludedBy(moment, event));
  const named = [...without, ...occurrences.map(({ recurrence_id }) => recurrence_id ?? '')];
  if (named.length > MOST_EXCEPTIONS) throw tooManyExceptions(series.line);
  // What is wrong with a rule is for who validates it to say.
  const isRule = recurrenceRule.nullable().safeParse(event.recurrence_rule).success;
  const occurring = isRule ? occurringAmong(event, named) : new Set(named);
  const differing = new Map<string, Changes | null>();
  for (const recurrence_id of without) if (occurring.has(recurrence_id)) differing.set(recurrence_id, null);
  const strays: ReadEvent[] = [];
  for (const part of occurrences) {
    if (part.recurrence_id !== null && occurring.has(part.recurrence_id)) differing.set(part.recurrence_id, changesOf(part, event));
    else strays.push(alone(part));
  }
  const recurrence_exceptions = [...differing].map(([recurrence_id, changes]) => ({ recurrence_id, changes }));
  return [{ uid: series.uid, line: series.line, invitees: series.invitees, body: { ...event, recurrence_exceptions } }, ...strays];
}

const ownDetails = ['description', 'location', 'visibility', 'transparency', 'conference_url', 'reminder_minutes', 'status'] as const;

function changesOf({ event, isNamed }: Part, series: Part['event']): Changes | null {
  if (event.status === 'cancelled' && series.status !== 'cancelled') return null;
  const differs = Object.fromEntries(
    ownDetails.filter((name) => JSON.stringify(event[name]) !== JSON.stringify(series[name])).map((name) => [name, event[name]]),
  );
  return {
    ...differs,
    ...(isNamed && event.title !== series.title && { title: event.title }),
    starts_at: event.starts_at,
    ends_at: event.ends_at,
  };
}

/** A day says which occurrence, too, where there is one a day. */
const excludedBy = (moment: Moment, { all_day, timezone, starts_at }: Times): string => {
  if (!moment.isDay || all_day) return pointOf(moment, timezone);
  return instantOf(moment.clock.toPlainDate().toPlainDateTime(wallClock(starts_at, timezone).toPlainTime()), timezone);
};

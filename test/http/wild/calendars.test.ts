// Calendars that no one here wrote, through the same door as any other, out again, and in again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startDaybook, type TestDaybook } from '../../support/daybook.ts';
import { inject, type Person, register } from '../../support/person.ts';
import { type Made, made, refusedOfKde } from './calendars.ts';
import { type Found, fetched, installed, isFetched } from './material.ts';

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await startDaybook();
});
afterAll(() => daybook.close());

const imported = z.object({
  created: z.number(),
  changed: z.number(),
  ignored: z.number(),
  items: z.array(
    z.object({ uid: z.string(), id: z.string().nullable(), result: z.string(), line: z.number(), detail: z.string().nullable() }),
  ),
});
const event = z.object({
  title: z.string(),
  starts_at: z.string(),
  ends_at: z.string(),
  all_day: z.boolean(),
  timezone: z.string(),
  recurrence_rule: z.string().nullable(),
  recurrence_exceptions: z.array(z.object({ recurrence_id: z.string(), changes: z.record(z.string(), z.unknown()).nullable() })),
  reminder_minutes: z.array(z.number()),
});
const problem = z.object({ detail: z.string(), errors: z.array(z.object({ pointer: z.literal('/icalendar'), detail: z.string() })) });

const importing = (person: Person, calendar: Buffer | string) =>
  inject(daybook.app, {
    method: 'POST',
    url: '/api/v1/calendar/import',
    headers: { authorization: `Bearer ${person.token}`, 'content-type': 'text/calendar' },
    payload: calendar,
  });

/** All that is kept of a calendar, in no order, but when it was written down. */
async function exportedBy(person: Person) {
  const answer = await person.get('/calendar/export');
  expect(answer).toMatchObject({ status: 200 });
  const text = z.string().parse(answer.body);
  const events = text.replaceAll(/^(DTSTAMP|CREATED|LAST-MODIFIED|SEQUENCE):.*\r\n/gm, '').split('BEGIN:VEVENT');
  return { text, events: events.map((each) => each.replace('END:VCALENDAR\r\n', '')).sort() };
}

/** What is made of a file. Exported and imported by somebody else, it is the same. */
async function outcomeOf(file: Buffer): Promise<Made> {
  const [ann, bob] = await Promise.all([register(daybook.app, 'Ann'), register(daybook.app, 'Bob')]);
  const answer = await importing(ann, file);
  if (answer.status !== 200) {
    expect(answer.status).toBe(422);
    return { refused: problem.parse(answer.body).errors.map(({ detail }) => detail) };
  }
  const { items, ignored } = imported.parse(answer.body);
  const ids = [...new Set(items.flatMap(({ id }) => id ?? []))];
  const exported = await exportedBy(ann);
  expect(imported.parse((await importing(bob, exported.text)).body)).toMatchObject({ created: ids.length, changed: 0, ignored: 0 });
  expect((await exportedBy(bob)).events).toEqual(exported.events);
  const first = await Promise.all(ids.slice(0, 4).map(async (id) => event.parse((await ann.get(`/calendar/events/${id}`)).body)));
  return {
    ignored,
    refused: items.flatMap(({ line, detail }) => (detail === null ? [] : [`Line ${line}: ${detail}`])),
    count: ids.length,
    events: first.map((each) => {
      const time = each.all_day ? `${each.starts_at} all day` : `${each.starts_at} to ${each.ends_at}`;
      const otherwise = each.recurrence_exceptions.map(
        ({ recurrence_id, changes }) => `${recurrence_id} ${changes === null ? 'not' : Object.keys(changes).join()}`,
      );
      return [each.title, `${time}, ${each.timezone}`, each.recurrence_rule, otherwise, each.reminder_minutes];
    }),
  };
}
async function outcomesOf(found: readonly Found[]) {
  const outcomes: [string, Made][] = [];
  for (const { name, bytes } of found) outcomes.push([name, await outcomeOf(bytes)]);
  return Object.fromEntries(outcomes);
}

test('those of two packages are read, and come back as they went', async () => {
  expect(await outcomesOf(installed('ical/test', '.ics'))).toEqual(made.ical);
  expect(await outcomesOf(installed('icalendar/spec', '.ics'))).toEqual(made.icalendar);
});

describe.runIf(isFetched)('where they are fetched', () => {
  test('those that a library of Python is tested with are read, and come back as they went', async () => {
    expect(await outcomesOf(fetched('calendars/python', '.ics'))).toEqual(made.python);
  });

  test('those that KDE’s calendar is tested with recur when it says that they do', async () => {
    const ann = await register(daybook.app, 'Ann');
    const said = new Map(fetched('calendars/kde', '.ics.next.ref').map(({ name, bytes }) => [name, bytes.toString()]));
    const [refused, counts] = [new Map<string, string>(), { COUNT: 0, UNTIL: 0, BYSETPOS: 0, skipped: 0, unknownZone: 0 }];
    for (const { name, bytes } of fetched('calendars/kde', '.ics')) {
      const answer = await importing(ann, bytes);
      if (answer.status !== 200) {
        expect({ name, status: answer.status }).toEqual({ name, status: 422 });
        refused.set(
          name,
          problem
            .parse(answer.body)
            .errors.map(({ detail }) => detail)
            .join(),
        );
        continue;
      }
      const [id] = imported.parse(answer.body).items.map((item) => item.id);
      const {
        starts_at,
        all_day,
        timezone: zone,
        recurrence_rule: rule,
        recurrence_exceptions,
      } = event.parse((await ann.get(`/calendar/events/${id}`)).body);
      // Of a zone that it does not know, and of days, it says what the clock shows, and at most five hundred times.
      const lines = (said.get(name) ?? '').split('\n').filter((line) => line !== '');
      const saidTimes = lines.map((line) => {
        const [, clock = '', at = ''] = /^(\S+) \S+ (\S+)$/.exec(line) ?? [];
        const shownIn = all_day || at.startsWith('UTC-') ? zone : at;
        return Temporal.PlainDateTime.from(clock).toZonedDateTime(shownIn).toInstant().toString({ fractionalSecondDigits: 3 });
      });
      const isAll = lines.length < 500;
      // RFC 5545, section 3.8.5.3: the first day is one, and counts, also where the rule skips it. KDE does not count it.
      const count = Number(/COUNT=(\d+)/.exec(rule ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
      const isThere = !recurrence_exceptions.some(({ recurrence_id }) => recurrence_id === starts_at);
      const isSkipped = isThere && (saidTimes[0] !== starts_at || saidTimes.length > count);
      const times = [...new Set([...(isThere ? [starts_at] : []), ...saidTimes])].slice(0, count);
      const last = times.at(-1) ?? starts_at;
      const later = (time: string, days: number) =>
        Temporal.Instant.from(time)
          .add({ hours: 24 * days })
          .toString({ fractionalSecondDigits: 3 });
      const lastly = later(last, -400) < starts_at ? starts_at : later(last, -400);
      for (const [from, to] of [[starts_at, later(starts_at, 400)], isAll ? [last, later(last, 400)] : [lastly, last]] as const) {
        const { items } = z
          .object({ items: z.array(z.object({ starts_at: z.string() })) })
          .parse((await ann.get(`/calendar/events?from=${from}&to=${to}&limit=200`)).body);
        const found = items.map((item) => item.starts_at).filter((time) => from <= time);
        const expected = times.filter((time) => from <= time && time < to);
        expect({ name, from, found: found.slice(0, 100) }).toEqual({ name, from, found: expected.slice(0, 100) });
      }
      expect((await ann.delete(`/calendar/events/${id}`)).status).toBe(204);
      for (const part of ['COUNT', 'UNTIL', 'BYSETPOS'] as const) counts[part] += Number(rule?.includes(`${part}=`) ?? false);
      counts.skipped += Number(isSkipped);
      counts.unknownZone += Number(!bytes.includes(`;TZID=${zone}`) && zone !== 'UTC');
    }
    expect(Object.fromEntries(refused)).toEqual(refusedOfKde);
    const atLeast = (least: number) => expect.toSatisfy((count: number) => count >= least);
    expect(counts).toEqual({ COUNT: atLeast(40), UNTIL: atLeast(10), BYSETPOS: atLeast(6), skipped: atLeast(3), unknownZone: atLeast(30) });
  });
});

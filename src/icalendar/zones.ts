// Which zone of the IANA a TZID means. The name may be one, have one at its end, be what Windows calls a zone, or be
// anything at all: then the file's own VTIMEZONE says how its clock goes, and a zone whose clock goes so is taken.
import ICAL from 'ical.js';
import { findIana, WINDOWS_TO_IANA_MAP } from 'windows-iana';
import { timezone } from '../vocabulary.ts';
import { type Component, textOf } from './contentLines.ts';

export type Zones = { readonly find: (tzid: string) => string | undefined };

/** @param preferred zones to take before others where several go by one clock: the person's own */
export function createZones(calendar: Component, preferred: readonly string[]): Zones {
  const found = new Map<string, string | undefined>();
  const defined = new Map(calendar.components.filter(({ name }) => name === 'vtimezone').map((each) => [textOf(each, 'tzid'), each]));
  const years = yearsOf(calendar);
  const find = (tzid: string) => {
    const definition = defined.get(tzid);
    return (
      named(tzid, preferred) ??
      (definition && (named(textOf(definition, 'x-lic-location') ?? '', preferred) ?? alike(tzid, definition, years, preferred)))
    );
  };
  return {
    find: (tzid) => {
      if (!found.has(tzid)) found.set(tzid, find(tzid));
      return found.get(tzid);
    },
  };
}

function named(name: string, preferred: readonly string[]): string | undefined {
  // Of `/mozilla.org/20050126_1/America/Indiana/Knox` only the end is a name of the registry.
  const parts = name.replaceAll('"', '').trim().split('/').filter(Boolean);
  for (let start = 0; start < parts.length; start += 1) {
    const known = timezone.safeParse(parts.slice(start).join('/'));
    if (known.success) return known.data;
  }
  const ofWindows = findIana(name.trim());
  const taken = preferred.find((each) => ofWindows.some((zone) => zone === each)) ?? ofWindows[0];
  return taken === undefined ? undefined : timezone.safeParse(taken).data;
}

/** Every ninth day of a year at noon: no change of a clock falls between the days of two that go alike. */
const samplesOf = (year: number) =>
  Array.from({ length: 41 }, (_, index) => new Temporal.PlainDateTime(year, 1, 1, 12).add({ days: 9 * index }));

/** In which a clock is to go alike: a recent one or, as old files tell of old rules, that of the first event. */
const yearsOf = ({ components }: Component): number[] => {
  const lines = components.filter(({ name }) => name === 'vevent').flatMap((event) => event.lines);
  const [, year] = /:([1-9]\d{3})\d{4}/.exec(lines.find(({ name }) => name === 'dtstart')?.text ?? '') ?? [];
  return year === undefined ? [2025] : [2025, Number(year)];
};

const ALL = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
/** Of those that go alike, the one that Windows names first is the one that most people mean. */
const USUAL = WINDOWS_TO_IANA_MAP.filter(({ territory }) => territory === '001').flatMap(({ iana }) => iana);

/** Of the zones whose clock goes as is said: a preferred one, one whose city is in the name, one that is usual, or any. */
function alike(tzid: string, definition: Component, years: readonly number[], preferred: readonly string[]): string | undefined {
  if (definition.components.length === 0) return undefined;
  const isInName = (zone: string) => tzid.includes(zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ')) || tzid.endsWith(zone);
  const zones = [...preferred, ...ALL.filter(isInName), ...USUAL, ...ALL];
  for (const year of years) {
    const samples = samplesOf(year);
    const offsets = offsetsOf(definition, samples);
    const found = zones.find((zone) =>
      samples.every((sample, index) => sample.toZonedDateTime(zone).offsetNanoseconds / 1_000_000_000 === offsets?.[index]),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function offsetsOf(definition: Component, samples: readonly Temporal.PlainDateTime[]): number[] | undefined {
  try {
    const zone = new ICAL.Timezone(new ICAL.Component(ICAL.parse(write(definition))));
    return samples.map((sample) => zone.utcOffset(ICAL.Time.fromDateTimeString(sample.toString({ smallestUnit: 'second' }))));
  } catch {
    return undefined;
  }
}

const write = ({ name, lines, components }: Component): string =>
  [`BEGIN:${name}`, ...lines.map(({ text }) => text), ...components.map(write), `END:${name}`].join('\r\n');

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
  const find = (tzid: string) => {
    const definition = defined.get(tzid);
    return (
      named(tzid, preferred) ??
      (definition && (named(textOf(definition, 'x-lic-location') ?? '', preferred) ?? alike(tzid, definition, preferred)))
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
const SAMPLES = Array.from({ length: 41 }, (_, index) => Temporal.PlainDateTime.from('2025-01-01T12:00').add({ days: 9 * index }));

const ALL = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
/** Of those that go alike, the one that Windows names first is the one that most people mean. */
const USUAL = WINDOWS_TO_IANA_MAP.filter(({ territory }) => territory === '001').flatMap(({ iana }) => iana);

/** Of the zones whose clock goes as is said: a preferred one, one whose city is in the name, one that is usual, or any. */
function alike(tzid: string, definition: Component, preferred: readonly string[]): string | undefined {
  const offsets = offsetsOf(definition);
  if (!offsets) return undefined;
  const isInName = (zone: string) => tzid.includes(zone.slice(zone.lastIndexOf('/') + 1).replaceAll('_', ' ')) || tzid.endsWith(zone);
  return [...preferred, ...ALL.filter(isInName), ...USUAL, ...ALL].find((zone) =>
    SAMPLES.every((sample, index) => sample.toZonedDateTime(zone).offsetNanoseconds / 1_000_000_000 === offsets[index]),
  );
}

function offsetsOf(definition: Component): number[] | undefined {
  if (definition.components.length === 0) return undefined;
  try {
    const zone = new ICAL.Timezone(new ICAL.Component(ICAL.parse(write(definition))));
    return SAMPLES.map((sample) => zone.utcOffset(ICAL.Time.fromDateTimeString(sample.toString({ smallestUnit: 'second' }))));
  } catch {
    return undefined;
  }
}

const write = ({ name, lines, components }: Component): string =>
  [`BEGIN:${name}`, ...lines.map(({ text }) => text), ...components.map(write), `END:${name}`].join('\r\n');

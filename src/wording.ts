// What is said of a field that is wrong, where its schema does not say it better: what it has to be, as the rest of a sentence
// that begins with the field.
import type { z } from 'zod';

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
};

const formats: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  email: 'an email address such as ann@example.com',
  url: 'an address on the web such as https://example.com/',
  base64: 'base64 (RFC 4648 section 4)',
  date: 'a day such as 2026-11-24',
};

/** What there can be more or less of. */
const units: Readonly<Record<string, string>> = { string: 'characters', array: 'items' };
const counted = (count: number | bigint, unit: string) => `${count} ${count === 1 ? unit.replace(/s$/, '') : unit}`;

/** For `error` of a zod parse. */
export function wordingOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'is required';
      if (issue.expected === 'stringbool') return 'must be true or false';
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (units[issue.origin] && issue.minimum === 1) return 'must not be empty';
      return limit(issue.origin, issue.minimum, issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return limit(issue.origin, issue.maximum, issue.inclusive === false ? 'less than' : 'at most');
    case 'invalid_format':
      return `must be ${formats[issue.format] ?? 'of another form'}`;
    default:
      return undefined;
  }
}

function limit(origin: string, bound: number | bigint, relation: string): string {
  const unit = units[origin];
  return unit === undefined ? `must be ${relation} ${bound}` : `must have ${relation} ${counted(bound, unit)}`;
}

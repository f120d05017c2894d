// What has the words of a question, and where they are in it.
import { type FragmentSqlToken, sql } from 'slonik';
import { searchableRows } from '../../tables/relationships.ts';
import type { Scope } from '../query.ts';

/** How the words of a question have to be there: as it says, or whichever of them are. */
export type Demand = 'as asked' | 'any';

/** Words as they are, the last one only begun, or without their endings: the columns have both. */
export function questionOf(q: string, demand: Demand = 'as asked'): FragmentSqlToken {
  const words = q.replaceAll(/[<>]/g, ' ').trimEnd();
  // What follows an apostrophe (don't, they'll) is a word to Postgres, and far too many others begin with it.
  const isBegun = /[\p{L}\p{N}]$/u.test(words) && !/['’]\p{L}{1,2}$/u.test(words);
  // A word that must not be there is meant as it is.
  const begun = isBegun ? '\\1\\2:*' : '\\1\\2';
  const whole = sql.fragment`(websearch_to_tsquery('english', ${words}::text) ||
    regexp_replace(websearch_to_tsquery('simple', ${words}::text)::text, '(^|[^!])(''[^'']+'')$', ${begun}::text)::tsquery)`;
  return demand === 'any' ? sql.fragment`regexp_replace(${whole}::text, ' & ', ' | ', 'g')::tsquery` : whole;
}

/** The best: type, id, ts_rank (as Postgres shows it, which has half the precision of what it is added to), and from 1 the rank by it. */
export const byWords = ({ from }: Scope, question: FragmentSqlToken, conditions: FragmentSqlToken, most: number): FragmentSqlToken =>
  sql.fragment`
  SELECT found.*, row_number() OVER (ORDER BY ts_rank DESC, occurred_at DESC, id) AS rank FROM (
    SELECT t.type, t.id, t.occurred_at, ts_rank(t.search, ${question}, 1)::text::float AS ts_rank FROM ${from(searchableRows)} t
    WHERE t.search @@ ${question} AND ${conditions}
    ORDER BY ts_rank DESC, t.occurred_at DESC, t.id LIMIT ${most}) found`;

/** Two characters that stand for nothing (Unicode's private use) come between, and are marks in the end. */
const BEGIN = '\u{e000}';
const END = '\u{e001}';
/** Two more stand for < and > meanwhile: to Postgres what is between those is a tag, whose words it does not see. */
const TAG = '\u{e002}\u{e003}';

/** A text without what has a meaning here. */
export const unmarked = (text: FragmentSqlToken): FragmentSqlToken => sql.fragment`translate(${text}, ${BEGIN + END + TAG}::text, '')`;

/** Of a text, what is around the words of the question, with these between marks; from where it begins, where none of them is in it. */
export function excerpt(text: FragmentSqlToken, question: FragmentSqlToken): FragmentSqlToken {
  const options = `StartSel="${BEGIN}", StopSel="${END}", MaxFragments=2, MaxWords=30, MinWords=12, FragmentDelimiter=" … "`;
  const body = sql.fragment`translate(${unmarked(text)}, '<>', ${TAG}::text)`;
  const headline = (config: FragmentSqlToken) => sql.fragment`ts_headline(${config}, ${body}, ${question}, ${options}::text)`;
  // A word that is only begun may not be the beginning of one without its ending.
  return sql.fragment`(SELECT translate(
      CASE WHEN strpos(stemmed, ${BEGIN}::text) > 0 THEN stemmed ELSE ${headline(sql.fragment`'simple'`)} END, ${TAG}::text, '<>')
    FROM (SELECT ${headline(sql.fragment`'english'`)} AS stemmed) headline)`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const isMarked = (excerpt: string): boolean => excerpt.includes(BEGIN);

/** An excerpt as HTML. */
export const marked = (excerpt: string): string =>
  excerpt
    .replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(BEGIN, '<mark>')
    .replaceAll(END, '</mark>');

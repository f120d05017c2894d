// iCalendar as text (RFC 5545, section 3.1): bytes to lines, lines to components. What the wild has is taken where it can
// only mean one thing: lines that end with LF or CR alone, text in an encoding of old, a line that goes on without being
// folded.
import ICAL from 'ical.js';
import { Problem, unprocessable } from '../problem.ts';

/** `line` is where it begins in the file, the first line being 1. */
export type Line = { readonly name: string; readonly text: string; readonly line: number };
export type Component = {
  /** In lower case, as all names here. */
  readonly name: string;
  readonly line: number;
  readonly lines: readonly Line[];
  readonly components: readonly Component[];
};

/** What is wrong in a file, and in which line. */
export class Unreadable extends Error {
  readonly line: number;
  readonly code: string;

  constructor(line: number, code: string, detail: string) {
    super(detail);
    this.line = line;
    this.code = code;
  }
}

/** A body as text, in which U+FFFD is what cannot be kept: U+0000. @throws Problem 415 for a charset that is none */
export async function readText(content: AsyncIterable<Uint8Array>, contentType: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const charset = /;\s*charset="?([^\s";]+)/i.exec(contentType)?.[1];
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const label = isUtf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : (charset ?? 'utf-8');
  const decoder = decoderOf(label);
  if (!decoder) throw new Problem(415, 'unsupported-charset', `There is no charset called ${label}.`);
  try {
    return decoder.decode(bytes).replaceAll('\0', '\uFFFD');
  } catch {
    // What is not what it says it is, is most often this, which every sequence of bytes can be read as.
    return new TextDecoder('windows-1252').decode(bytes).replaceAll('\0', '\uFFFD');
  }
}

function decoderOf(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    return undefined;
  }
}

const CONTENT_LINE = /^([a-z0-9-]+)[;:]/i;

/**
 * Lines unfolded, of which a name may be folded, too. One that does not begin with a name goes on with the one before, as
 * text that was not folded does.
 */
export function unfold(text: string): Line[] {
  const unfolded: { text: string; line: number }[] = [];
  const physical = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  for (const [index, content] of physical.entries()) {
    const last = unfolded.at(-1);
    if (last && /^[ \t]/.test(content)) last.text += content.slice(1);
    else if (content.trim() !== '') unfolded.push({ text: content, line: index + 1 });
  }
  const lines: { name: string; text: string; line: number }[] = [];
  for (const { text, line } of unfolded) {
    const last = lines.at(-1);
    const name = CONTENT_LINE.exec(text)?.[1]?.toLowerCase();
    if (name !== undefined) lines.push({ name, text, line });
    else if (last) last.text += `\\n${text}`;
  }
  return lines;
}

/** The calendars of a file. @throws Problem 422 where they do not end as they begin */
export function readComponents(text: string): readonly Component[] {
  type Open = { name: string; line: number; lines: Line[]; components: Open[] };
  const root: Open = { name: '', line: 0, lines: [], components: [] };
  const open: Open[] = [root];
  for (const line of unfold(text)) {
    const current = open.at(-1) ?? root;
    const value = line.text
      .slice(line.name.length + 1)
      .trim()
      .toLowerCase();
    if (line.name === 'begin') {
      const component: Open = { name: value, line: line.line, lines: [], components: [] };
      current.components.push(component);
      open.push(component);
    } else if (line.name === 'end') {
      if (current.name !== value || current === root) throw broken(line.line, `END:${value.toUpperCase()} ends nothing.`);
      open.pop();
    } else current.lines.push(line);
  }
  const left = open.at(-1);
  if (left && left !== root) throw broken(left.line, `BEGIN:${left.name.toUpperCase()} has no end.`);
  return root.components.filter(({ name }) => name === 'vcalendar');
}

const broken = (line: number, detail: string) => unprocessable('icalendar-broken', `Line ${line}: ${detail}`, '/icalendar');

export type Found = {
  readonly property: ICAL.Property;
  /** The values as they are written. */
  readonly written: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly line: number;
};

/** The properties of that name. @throws Unreadable */
export const propertiesOf = ({ lines }: Component, name: string): Found[] =>
  lines
    .filter((line) => line.name === name)
    .map((line) => {
      const { parameters, end } = parametersOf(line);
      if (line.text[end] !== ':') throw new Unreadable(line.line, 'line-unreadable', 'This line has no value.');
      // Of the parameters, only this one says how the value is to be read.
      const type = parameters.get('value');
      try {
        const property = ICAL.Property.fromString(`${name}${type ? `;VALUE=${type}` : ''}${line.text.slice(end)}`);
        return { property, written: line.text.slice(end + 1), parameters, line: line.line };
      } catch (error) {
        throw new Unreadable(line.line, 'line-unreadable', error instanceof Error ? error.message : String(error));
      }
    });

/** The values as jCal has them (RFC 7265), which are not validated. */
export const valuesOf = ({ property }: Found): readonly unknown[] => {
  const [, , , ...values]: readonly unknown[] = property.toJSON();
  return values;
};

/** The text of the first property of that name that has any; null where there is none. @throws Unreadable */
export function textOf(component: Component, name: string): string | null {
  for (const found of propertiesOf(component, name)) {
    const [value] = valuesOf(found);
    if (typeof value === 'string' && value.trim() !== '') return value;
  }
  return null;
}

const PARAMETER = /;([a-z0-9-]+)=("[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*/iy;

/** The parameters by their names in lower case, of several values the first (RFC 6868 has what stands for what), and where they end. */
function parametersOf({ name, text }: Line): { parameters: ReadonlyMap<string, string>; end: number } {
  const parameters = new Map<string, string>();
  let end = name.length;
  const next = () => {
    PARAMETER.lastIndex = end;
    return PARAMETER.exec(text);
  };
  for (let found = next(); found; found = next()) {
    const [whole, parameter = '', value = ''] = found;
    end += whole.length;
    parameters.set(
      parameter.toLowerCase(),
      value.replaceAll('"', '').replaceAll(/\^[n^']/g, (sign) => SIGNS[sign] ?? sign),
    );
  }
  return { parameters, end };
}

const SIGNS: Readonly<Record<string, string>> = { '^n': '\n', '^^': '^', "^'": '"' };

// How a letter begins, in one line.

const MAX_CHARACTERS = 200;
/** Enough for a snippet, however much space is in it. */
const ENOUGH = 4_000;

export function snippetOf(text: string | null, html: string | null): string {
  const line = inOneLine(text ?? '') || inOneLine(textOf(html ?? ''));
  const characters = [...line];
  return characters.length > MAX_CHARACTERS ? `${characters.slice(0, MAX_CHARACTERS - 1).join('')}…` : line;
}

// What mailers pad the beginning with (soft hyphens, spaces without width) is not to be seen.
const inOneLine = (text: string) =>
  text
    .slice(0, ENOUGH)
    .toWellFormed()
    .replaceAll(/(?!\u200d)\p{Cf}|\u034f/gu, '')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();

/** The text of HTML as far as a snippet needs it, in one pass. What this makes is never shown as HTML. */
function textOf(html: string): string {
  const lowerCase = html.toLowerCase();
  let text = '';
  for (let at = 0; at < html.length && text.length < ENOUGH; ) {
    const open = html.indexOf('<', at);
    if (open < 0) return decoded(text + html.slice(at));
    text += html.slice(at, open);
    const [, hidden] = /^<(style|script|head|title|!--)/.exec(lowerCase.slice(open, open + 8)) ?? [];
    if (!/^<\/?(a|b|i|u|em|font|span|strong)\b/.test(lowerCase.slice(open, open + 9))) text += ' ';
    const end = hidden === undefined ? '>' : hidden === '!--' ? '-->' : `</${hidden}`;
    const close = lowerCase.indexOf(end, open);
    if (close < 0) break;
    // The closing tag of what is hidden is passed over as any other tag.
    at = end.startsWith('<') ? close : close + end.length;
  }
  return decoded(text);
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', zwnj: '', zwj: '', shy: '' };

const decoded = (text: string) =>
  text.replaceAll(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,8}));/gi, (entity, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return named[name.toLowerCase()] ?? entity;
    const code = decimal === undefined ? Number.parseInt(hex ?? '0', 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
  });

// The thread that reads texts out of files. What it is given may be made to harm: whoever started it watches its time and
// memory, and ends it. It says first what type the file is of, then what is written in it.
import { parentPort, workerData } from 'node:worker_threads';
import { fileTypeFromBuffer } from 'file-type';
import type { HtmlToTextOptions } from 'html-to-text';
import { beginningOf, countWords } from './words.ts';

/** `said` is a media type by whoever sent the file, and `isWhole` says that `bytes` are all of it. */
export type FileToRead = { readonly bytes: Uint8Array; readonly isWhole: boolean; readonly said: string; readonly filename: string };
/** `text` is null where files of this type have none that could be read. */
export type FromWorker = { readonly content_type: string } | { readonly text: string | null; readonly word_count: number };

const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
/** What is text although its type does not begin with `text/`. */
const TEXTUAL = /^(text\/|application\/(json|xml|yaml|toml|x-ndjson|[\w.+-]+\+(json|xml))$|image\/svg\+xml$)/;
const BY_ENDING: Readonly<Record<string, string>> = {
  md: 'text/markdown',
  markdown: 'text/markdown',
  csv: 'text/csv',
  json: 'application/json',
};

const tell = (told: FromWorker) => parentPort?.postMessage(told);
const tellText = (text: string | null) =>
  tell(text === null ? { text, word_count: 0 } : { text: beginningOf(text), word_count: countWords(text) });

async function read({ bytes, isWhole, said, filename }: FileToRead): Promise<void> {
  const plain = decoded(bytes, isWhole);
  const content_type =
    (await fileTypeFromBuffer(bytes))?.mime ?? (plain === undefined ? 'application/octet-stream' : textType(plain, said, filename));
  tell({ content_type });
  if (!isWhole) tellText(null);
  else if (content_type === 'application/pdf') tellText(await pdfText(bytes));
  else if (content_type === DOCX) tellText(await docxText(bytes));
  else if (plain === undefined || !TEXTUAL.test(content_type)) tellText(null);
  else tellText(content_type === 'text/html' ? await htmlText(plain) : plain);
}

// One paragraph, one line; nothing of what only a browser makes use of.
const htmlOptions: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxInputLength: 64 * 1024 * 1024 },
  selectors: [
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'img', format: 'skip' },
    { selector: 'title', format: 'skip' },
    { selector: 'h1', options: { uppercase: false } },
    { selector: 'h2', options: { uppercase: false } },
    { selector: 'h3', options: { uppercase: false } },
    { selector: 'h4', options: { uppercase: false } },
    { selector: 'h5', options: { uppercase: false } },
    { selector: 'h6', options: { uppercase: false } },
    { selector: 'table', options: { uppercaseHeaderCells: false } },
  ],
};

// Each library is loaded where a file needs it, for most need none.
async function pdfText(bytes: Uint8Array): Promise<string> {
  const { extractText, getDocumentProxy } = await import('unpdf');
  const { text } = await extractText(await getDocumentProxy(bytes, { verbosity: 0 }), { mergePages: false });
  return storable(text.join('\n\n'));
}

async function docxText(bytes: Uint8Array): Promise<string> {
  const { default: mammoth } = await import('mammoth');
  return storable((await mammoth.extractRawText({ buffer: Buffer.from(bytes) })).value);
}

async function htmlText(page: string): Promise<string> {
  const { convert } = await import('html-to-text');
  return storable(convert(page, htmlOptions));
}

/** UTF-8 that holds no NUL; undefined for anything else, which is no text that Daybook can read. */
function decoded(bytes: Uint8Array, isWhole: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !isWhole });
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** A page says what it is; what any other text is, its sender knows best. */
function textType(text: string, said: string, filename: string): string {
  if (/^\s*<(!doctype html|html)\b/i.test(text)) return 'text/html';
  const byEnding = BY_ENDING[/\.(\w+)$/.exec(filename)?.[1]?.toLowerCase() ?? ''];
  return TEXTUAL.test(said) && said !== 'text/plain' ? said : (byEnding ?? 'text/plain');
}

/** Without what no database keeps. */
const storable = (text: string) => text.toWellFormed().replaceAll('\0', '').trim();

if (workerData !== null) await (typeof workerData === 'string' ? tellText(workerData) : read(workerData));

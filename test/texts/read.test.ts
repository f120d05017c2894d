// What is read of files, of every kind of them; and that no file, whatever it is made to do, holds up or ends the process.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { readFile, readText } from '../../src/texts/read.ts';
import { docx, docxBomb, pdf, pdfBomb, png } from '../support/files.ts';

const reading = (content: string | Buffer, filename = '', said = 'application/octet-stream', limits = {}) =>
  readFile({ bytes: new Uint8Array(Buffer.from(content)), isWhole: true, said, filename }, limits);
const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

describe('the type and the text', () => {
  test.each([
    ['a PDF, whatever it is called', pdf('Hello world'), 'a.txt', 'text/plain', 'application/pdf', 'Hello world', 2],
    ['DOCX', docx('Hello', 'wide world'), 'a.docx', DOCX, DOCX, 'Hello\n\nwide world', 3],
    [
      'HTML',
      '<!DOCTYPE html><title>T</title><h1>Hello</h1><p>wide <a href="https://example.org">world</a><script>alert(1)</script>',
      '',
      'text/plain',
      'text/html',
      'Hello\n\nwide world',
      3,
    ],
    ['Markdown by its name', '# Hello\n', 'README.MD', 'application/octet-stream', 'text/markdown', '# Hello\n', 1],
    ['CSV as it is said to be', 'a,b\n', '', 'text/csv', 'text/csv', 'a,b\n', 2],
    ['XML', '<?xml version="1.0"?><a>b</a>', '', 'text/xml', 'application/xml', '<?xml version="1.0"?><a>b</a>', 6],
    ['what is said to be a program and is a text', 'rm -rf', '', 'application/x-msdownload', 'text/plain', 'rm -rf', 2],
    ['a text in no Latin script', '我喜欢猫 und Κατζε', '', 'text/plain', 'text/plain', '我喜欢猫 und Κατζε', 5],
    ['an empty file', '', '', 'text/plain', 'text/plain', '', 0],
  ])('of %s', async (_, content, filename, said, content_type, text, word_count) => {
    expect(await reading(content, filename, said)).toEqual({ content_type, text, word_count, unread_because: null });
  });

  test.each([
    ['a picture', png(), 'image/png', 'no_text'],
    ['what nobody knows', Buffer.from([0, 1, 2, 250]), 'application/octet-stream', 'no_text'],
    ['a text in an old encoding', Buffer.from('Größe', 'latin1'), 'application/octet-stream', 'no_text'],
    ['a PDF that ends early', pdf('Hello').subarray(0, 60), 'application/pdf', 'damaged'],
    ['a DOCX with a page that is none', docx('<'), DOCX, 'damaged'],
  ])('of %s: none', async (_, content, content_type, unread_because) => {
    expect(await reading(content)).toEqual({ content_type, text: null, word_count: 0, unread_because });
  });

  test('of a file whose beginning only is at hand: none', async () => {
    expect(await readFile({ bytes: new Uint8Array(pdf('Hello')), isWhole: false, said: 'text/plain', filename: '' })).toEqual({
      content_type: 'application/pdf',
      text: null,
      word_count: 0,
      unread_because: 'no_text',
    });
  });

  test('of a long one is its beginning, with the words of all of it', async () => {
    const { text, word_count } = await reading('😀 wörd '.repeat(100_000));
    expect(word_count).toBe(100_000);
    const bytes = Buffer.byteLength(JSON.stringify(text));
    expect(bytes).toBeLessThanOrEqual(256 * 1024);
    expect(bytes).toBeGreaterThan(255 * 1024);
    expect(text?.isWellFormed()).toBe(true);
  });

  test('of one that JSON makes longer is as much as an event carries', async () => {
    const { text, word_count } = await readText(`${'a b '.repeat(20_000)}${'\u0001'.repeat(250_000)}`);
    expect(word_count).toBe(40_000);
    expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThanOrEqual(256 * 1024);
  });
});

describe('a file that is made to harm', () => {
  test.each([
    ['a DOCX of 4 GiB of spaces', docxBomb(), DOCX],
    ['a PDF of 4 GiB of spaces', pdfBomb(), 'application/pdf'],
  ])('%s is given up, and nothing else waits for it', { timeout: 60_000 }, async (_, content, content_type) => {
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const before = process.memoryUsage().rss;
    const found = await reading(content, '', '', { outsideBytes: 64 * 1024 * 1024, heapMiB: 128 });
    delay.disable();
    expect(found).toEqual({ content_type, text: null, word_count: 0, unread_because: 'too_much' });
    expect(process.memoryUsage().rss - before).toBeLessThan(1024 * 1024 * 1024);
    expect(delay.max / 1e6).toBeLessThan(1_000);
  });

  test('HTML of a hundred thousand levels has its text or none', { timeout: 60_000 }, async () => {
    const found = await reading(`<!doctype html>${'<div>'.repeat(100_000)}deep`);
    expect(found.content_type).toBe('text/html');
  });

  test('what takes too long is given up', async () => {
    expect(await reading(pdf('Hello'), '', '', { timeMs: 1 })).toMatchObject({ text: null, unread_because: 'too_much' });
  });

  test('many at once are read two at a time', async () => {
    const found = await Promise.all(Array.from({ length: 6 }, (_, index) => reading(`number ${index}`)));
    expect(found.map(({ text }) => text)).toEqual(Array.from({ length: 6 }, (_, index) => `number ${index}`));
  });
});

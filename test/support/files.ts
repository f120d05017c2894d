// Files of several kinds, made as small as their formats allow; and some that are made to harm who reads them.
import { constants, crc32, deflateRawSync, deflateSync } from 'node:zlib';

/** A PDF (ISO 32000-1) with one page and one line on it. @param content of the page, where it is to be another */
export function pdf(line: string, content = Buffer.from(`BT /F1 24 Tf 72 720 Td (${line}) Tj ET`), filter = ''): Buffer {
  const parts = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    Buffer.concat([Buffer.from(`<< /Length ${content.length} ${filter} >>\nstream\n`), content, Buffer.from('\nendstream')]),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let file = Buffer.from('%PDF-1.4\n');
  const offsets = parts.map((part, index) => {
    const offset = file.length;
    file = Buffer.concat([file, Buffer.from(`${index + 1} 0 obj\n`), Buffer.from(part), Buffer.from('\nendobj\n')]);
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const end = `xref\n0 6\n0000000000 65535 f \n${offsets.join('')}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.concat([file, Buffer.from(end)]);
}

type Entry = { readonly name: string; readonly packed: Buffer; readonly size: number; readonly crc: number };
const entry = (name: string, content: string): Entry => {
  const bytes = Buffer.from(content);
  return { name, packed: deflateRawSync(bytes), size: bytes.length, crc: crc32(bytes) };
};

/** A zip (APPNOTE 6.3) of what is packed already. */
function zip(entries: readonly Entry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, packed, size, crc } of entries) {
    const common = Buffer.alloc(26);
    for (const [at, value] of [
      [0, 20],
      [4, 8],
      [22, name.length],
    ] as const)
      common.writeUInt16LE(value, at);
    for (const [at, value] of [
      [10, crc],
      [14, packed.length],
      [18, size],
    ] as const)
      common.writeUInt32LE(value, at);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, place, Buffer.from(name));
    const file = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed]);
    files.push(file);
    offset += file.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, listed, end]);
}

const CONTENT_TYPES = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`;
const RELATIONSHIPS = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`;
const wordprocessing = (paragraphs: readonly string[]) =>
  `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${paragraphs.map((paragraph) => `<w:p><w:r><w:t>${paragraph}</w:t></w:r></w:p>`).join('')}</w:body></w:document>`;

const packaged = (document: Entry) => zip([entry('[Content_Types].xml', CONTENT_TYPES), entry('_rels/.rels', RELATIONSHIPS), document]);

/** A document of a word processor (ECMA-376). */
export const docx = (...paragraphs: string[]): Buffer => packaged(entry('word/document.xml', wordprocessing(paragraphs)));

/** Blocks of 16 MiB of spaces, each a few kilobytes of a raw deflate stream, and its end. */
function packedSpaces(blocks: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(16 * 1024 * 1024, ' '), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([...Array.from({ length: blocks }, () => block), Buffer.from([3, 0])]);
}

/** 4 GiB of spaces where the text should be, said to be 100 bytes. */
export const docxBomb = (): Buffer => packaged({ name: 'word/document.xml', packed: packedSpaces(256), size: 100, crc: 0 });

/** 4 GiB of spaces for the content of a page. */
export const pdfBomb = (): Buffer => pdf('', Buffer.concat([deflateSync('').subarray(0, 2), packedSpaces(256)]), '/Filter /FlateDecode');

/** The start of a picture that is all there is of it. */
export const png = (): Buffer => Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806000000', 'hex');

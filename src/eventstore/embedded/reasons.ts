// What SQLite and the system say when the log's file fails, in words that say what to do.
const BUSY = 5;
const isFull = 'cannot be written: the disk is full; make room on it';
const isReadOnly = 'cannot be written: the disk or the file is read-only; make it writable';
const isForbidden = 'cannot be written: Daybook has no permission to; check the owner and the mode';
/** SQLite's result codes, and the system's, that mean something to the person who starts Daybook. */
const reasons: Record<number | string, string> = {
  [BUSY]: 'is in use by another process',
  8: isReadOnly,
  10: 'cannot be read or written: the disk failed; check it',
  11: 'is damaged; restore a backup',
  13: isFull,
  14: 'cannot be opened; check the folder and its permissions',
  26: 'is damaged: it is not a SQLite file; restore a backup',
  ENOSPC: isFull,
  EROFS: isReadOnly,
  EACCES: isForbidden,
  EPERM: isForbidden,
};

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff; // the low byte; the others say more than anyone here needs
}

const reasonOf = (error: unknown): string | undefined =>
  reasons[sqliteCode(error) ?? (error instanceof Error && 'code' in error ? String(error.code) : '')];

export const isBusy = (error: unknown): boolean => sqliteCode(error) === BUSY;

/** Whether it is the file or its disk that failed, and not what was asked of it. */
export const isOfFile = (error: unknown): boolean => reasonOf(error) !== undefined;

/** What went wrong with the file, in one sentence; without its name for who has no business with that. */
export function sentence(error: unknown, file?: string): string {
  const reason = reasonOf(error);
  if (reason !== undefined) return ['The event log', file, reason].filter((word) => word !== undefined).join(' ');
  return error instanceof Error ? error.message : String(error);
}

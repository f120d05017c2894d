// Where there is room, what the tests store lies in memory. A store that is killed loses nothing there that it would keep on
// a disk: what was written is the operating system's by then. And hundreds of stores need not wait for hundreds of disks.
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';

const MEMORY = '/dev/shm';
const ROOM_BYTES = 6 * 1024 ** 3;

const roomIn = (folder: string) => {
  if (!existsSync(folder)) return 0;
  const { bavail, bsize } = statfsSync(folder);
  return Math.min(bavail * bsize, process.availableMemory());
};

export default function setup(): (() => void) | undefined {
  if (roomIn(MEMORY) < ROOM_BYTES) return undefined;
  const folder = mkdtempSync(`${MEMORY}/daybook-tests-`);
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

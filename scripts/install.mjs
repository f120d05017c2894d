// Installs the dependencies. It runs on the host's Node (20 or newer); everything after it runs on the Node that it installs.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const runtime = `${root}node_modules/.bin/node`;

console.log('Installing dependencies (npm ci) …');
// The host's Node may be older than some packages ask for; they never run on it, so npm's warnings would mislead.
const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
if (!existsSync(runtime)) {
  console.error(
    `Daybook brings its own Node for Linux (glibc) and macOS on x64 and arm64; ${process.platform} ${process.arch} is none of them.`,
  );
  process.exit(1);
}
// A first start then copies this database, which is quicker than to make one. Without it Daybook makes one itself.
spawnSync(runtime, [`${root}src/postgres/embedded/template.ts`], { cwd: root, stdio: 'inherit' });

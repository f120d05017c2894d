import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores: more workers than that only make every start slower.
    maxWorkers: 2,
    // What one file has loaded is there for the next: the sources, and above all the compiled embedded Postgres.
    isolate: false,
    globalSetup: 'test/support/inMemory.ts',
    setupFiles: 'test/support/setup.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

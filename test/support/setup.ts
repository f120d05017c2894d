// Files share a process, which is what makes them quick; none leaves a clock set or a function replaced to the next.
import { afterAll, vi } from 'vitest';

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.resetConfig();
});

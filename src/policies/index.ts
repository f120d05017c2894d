// All policies and all duties of the schedule. A new one adds its line here.
import type { Policy } from './policy.ts';
import type { Duty } from './schedule.ts';

export const policies: readonly Policy[] = [];

export const duties: readonly Duty[] = [];

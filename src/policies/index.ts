// All policies and all duties of the schedule. A new one adds its line here.
import { calendarReminders } from './calendarReminders.ts';
import { expiredLogins } from './expiredLogins.ts';
import { nextOccurrence } from './nextOccurrence.ts';
import type { Policy } from './policy.ts';
import type { Duty } from './schedule.ts';
import { taskReminders } from './taskReminders.ts';

export const policies: readonly Policy[] = [nextOccurrence];

export const duties: readonly Duty[] = [taskReminders, calendarReminders, expiredLogins];

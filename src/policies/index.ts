// All policies and all duties of the schedule. A new one adds its line here.
import { calendarReminders } from './calendarReminders.ts';
import { expiredLogins } from './expiredLogins.ts';
import { nextOccurrence } from './nextOccurrence.ts';
import type { Followed, Policy } from './policy.ts';
import type { Duty } from './schedule.ts';
import { whatIsToBeSentAtOnce } from './sendDrafts.ts';
import { taskReminders } from './taskReminders.ts';

export const policies: readonly Policy[] = [nextOccurrence];

/** What there is to see of them, and of that which needs a mail server to do anything. */
export const followed: readonly Followed[] = [...policies, whatIsToBeSentAtOnce(() => {})];

export const duties: readonly Duty[] = [taskReminders, calendarReminders, expiredLogins];

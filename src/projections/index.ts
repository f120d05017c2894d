// All projections, in the order in which each sees an event, and all tellers of what happened. A new context adds its
// lines here.
import { activities } from './activities.ts';
import type { Projection } from './projection.ts';
import { taskLabelSentences, taskListSentences, taskSentences, tasks } from './tasks.ts';

export const tellers = [taskListSentences, taskSentences, taskLabelSentences];

export const projections: readonly Projection[] = [tasks, activities(tellers)];

// All queries. A new context adds its line here.
import * as activities from './activities.ts';
import type { Query } from './query.ts';
import * as tasks from './tasks.ts';

const slices = [tasks, activities];

export const queries: readonly Query[] = slices.flatMap((slice) => Object.values(slice));

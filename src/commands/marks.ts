// What a person marks things with: labels of tasks, tags of documents. All of a kind that are one person's share a stream, so
// that no two can have one name, whoever races.
import { conflict, idInUse, type Problem } from '../problem.ts';
import { color, name } from '../vocabulary.ts';

type Mark = { readonly name: string; readonly color: string | null; readonly revision: number };
/** By id. What was deleted stays known: the streams of what it marked still name it, so no other mark may have its id. */
export type Marks = { readonly live: ReadonlyMap<string, Mark>; readonly deleted: ReadonlySet<string> };

export const noMarks: Marks = { live: new Map(), deleted: new Set() };

export const withMark = ({ live, deleted }: Marks, id: string, mark: Mark): Marks => ({ live: new Map([...live, [id, mark]]), deleted });

export function withChanges(marks: Marks, id: string, changes: Partial<Mark>): Marks {
  const mark = marks.live.get(id);
  return mark ? withMark(marks, id, { ...mark, ...changes }) : marks;
}

export const withoutMark = ({ live, deleted }: Marks, id: string): Marks => ({
  live: new Map([...live].filter(([other]) => other !== id)),
  deleted: new Set([...deleted, id]),
});

export const markFields = { name, color: color.nullable() };

/** Why the mark with this id, or one to be, cannot have this name. @param kind what a person calls such a mark */
export function refuseName({ live, deleted }: Marks, kind: string, id: string, name: string): Problem | undefined {
  if (deleted.has(id)) return idInUse();
  const isTaken = [...live].some(([other, mark]) => other !== id && mark.name.toLowerCase() === name.toLowerCase());
  return isTaken ? conflict('name-taken', `There is already a ${kind} called ${name}.`, '/name') : undefined;
}

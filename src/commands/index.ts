// All commands, each with the name it is exported by. A new context adds its line here.
import type { Command } from './command.ts';
import * as messages from './messages.ts';
import * as sessions from './sessions.ts';
import * as taskLabels from './tasks/label.ts';
import * as taskLists from './tasks/list.ts';
import * as tasks from './tasks/task.ts';

const slices = [sessions, messages, tasks, taskLists, taskLabels];

export const commands: ReadonlyMap<string, Command> = new Map(
  slices.flatMap((slice) =>
    Object.entries(slice).flatMap(([name, exported]): [string, Command][] => ('run' in exported ? [[name, exported]] : [])),
  ),
);

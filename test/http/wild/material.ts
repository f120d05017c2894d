// Messages and calendars that nobody made for Daybook: those that packages of the registry have for their own tests, and where
// `.ci/wild` has fetched them (`DAYBOOK_WILD` names the folder) many more.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export type Found = { readonly name: string; readonly bytes: Buffer };

const wild = process.env.DAYBOOK_WILD;
/** Whether what only CI fetches is there. */
export const isFetched = wild !== undefined;

/** The files of such an ending in a folder, by their names; none where the folder is one that only CI fetches. */
export const filesIn = (folder: string, ending: string): Found[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => ({ name: basename(file, ending), bytes: readFileSync(join(folder, file)) }));

export const installed = (folder: string, ending: string): Found[] => filesIn(join('node_modules', folder), ending);
export const fetched = (folder: string, ending: string): Found[] => (wild === undefined ? [] : filesIn(join(wild, folder), ending));

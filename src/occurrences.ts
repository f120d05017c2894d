// When a calendar event takes place.

/** When something takes place the first time, and by which rule again. */
export type Series = {
  readonly starts_at: string;
  readonly ends_at: string;
  readonly all_day: boolean;
  readonly timezone: string;
  readonly recurrence_rule: string | null;
};

export const endOf = (starts_at: string, series: Series): string =>
  new Date(Date.parse(starts_at) + Date.parse(series.ends_at) - Date.parse(series.starts_at)).toISOString();

export const occurringAmong = ({ recurrence_rule }: Series, ids: readonly string[]): ReadonlySet<string> =>
  new Set(recurrence_rule === null ? [] : ids);

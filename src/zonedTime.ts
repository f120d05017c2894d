// The clock on the wall of a time zone, and the points in time that it shows. RFC 5545, section 3.3.5, says what a wall
// clock means when it is put forward or back: a time that it skips is taken with the offset from before, and of a time that
// it shows twice the first is meant. Temporal calls that compatible, and does it unless told otherwise.

/** What the clock shows. @param instant as it is kept; @param timezone of the IANA */
export const wallClock = (instant: string, timezone: string): Temporal.PlainDateTime =>
  Temporal.Instant.from(instant).toZonedDateTimeISO(timezone).toPlainDateTime();

export const instantOf = (wallClock: Temporal.PlainDateTime, timezone: string): string => kept(wallClock.toZonedDateTime(timezone));

/** When a day begins, which is not at midnight where the clock skips that. */
export const startOfDay = (day: Temporal.PlainDate, timezone: string): string => kept(day.toZonedDateTime(timezone));

export const dayOf = (instant: string, timezone: string): Temporal.PlainDate => wallClock(instant, timezone).toPlainDate();

const kept = (time: Temporal.ZonedDateTime) => time.toInstant().toString({ fractionalSecondDigits: 3 });

/** The application name in the URL of an embedded Postgres, which takes one statement at a time and so gets one connection. */
export const EMBEDDED = 'daybook-embedded';

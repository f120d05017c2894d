// Where read models lie. The live one is in the schemas that sql/init.sql names, and queries know no other. Beside it may lie
// the next one, which is being built, and for a moment after they have changed places the old one.

export type Place = 'live' | 'next' | 'old';

/** What a schema of sql/init.sql is called there. */
export const schemaAt = (place: Place, schema: string): string => (place === 'live' ? schema : `daybook_${place}_${schema}`);

// What every command and every event type has, whatever its context.
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { commands } from '../../src/commands/index.ts';
import { type AnyEvent, eventDefinitions } from '../../src/events/index.ts';
import { tellers } from '../../src/projections/index.ts';
import { queries } from '../../src/queries/index.ts';
import { activityEntityType } from '../../src/vocabulary.ts';

describe('commands', () => {
  test.for([...commands].filter(([, { body }]) => !(body instanceof z.ZodDefault)))(
    '%s has an example, and takes it',
    ([, { body, example }]) => {
      expect(example, 'an example').toBeDefined();
      expect(body.safeParse(example).error?.issues ?? []).toEqual([]);
    },
  );

  test('are answered by a query there is', () => {
    const names = queries.map(({ name }) => name);
    expect([...commands].filter(([, { answer }]) => answer !== undefined && !names.includes(answer)).map(([name]) => name)).toEqual([]);
  });

  test('have each a name and a route that no other command or query has', () => {
    const routes = [...commands.values(), ...queries].map(({ route }) => route.replaceAll(/:\w+/g, ':'));
    expect(routes.filter((route, index) => routes.indexOf(route) !== index)).toEqual([]);
    const names = [...commands.keys(), ...queries.map(({ name }) => name)];
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe('event types', () => {
  const told = tellers.flatMap(({ eventTypes }) => eventTypes);

  test('are each told by one teller', () => {
    expect([...told].sort()).toEqual([...eventDefinitions.keys()].sort());
  });

  test('are silent only here, each with its reason', () => {
    const silent = tellers.flatMap((teller) =>
      teller.eventTypes.flatMap((type) => (reasonOf(teller.tell, type) === undefined ? [] : [type])),
    );
    expect(silent.sort()).toEqual([
      'EmailReleased',
      'EmailReserved',
      'EmailSendCounted',
      'IdempotencyKeyUsed',
      'LoginExpired',
      'LoginFailed',
      'RegistrationAbandoned',
      'SessionContextChanged',
      'TokensRefreshed',
    ]);
  });
});

test('activities can be asked for by what each of them is about', () => {
  const isTold = ({ eventTypes, tell }: (typeof tellers)[number]) => eventTypes.some((type) => reasonOf(tell, type) === undefined);
  const about = new Set(tellers.filter(isTold).map(({ entity_type }) => entity_type));
  expect([...activityEntityType.options].sort()).toEqual([...about].sort());
});

const eventOf = z.custom<AnyEvent>();

/** Why an event of this type is silent; a sentence needs more of its event than its type. */
function reasonOf(tell: (typeof tellers)[number]['tell'], type: string): string | undefined {
  try {
    const told = tell(eventOf.parse({ type, id: '', data: {}, meta: {} }));
    return told && 'silent' in told && told.silent !== '' ? told.silent : undefined;
  } catch {
    return undefined;
  }
}

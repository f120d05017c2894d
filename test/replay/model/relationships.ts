// What requests about relationships do.
import { z } from 'zod';
import { isEnd } from './cascades.ts';
import { type Context, changes, commandOn, type Happening, type Refusal, type Routes, sorted } from './core.ts';
import { change, own, type RelationshipRow, stamped } from './rows.ts';

const measure = { strength: z.number(), metadata: z.record(z.string(), z.json()) };
const ends = { source_type: z.string(), source_id: z.string(), target_type: z.string(), target_id: z.string() };
const newRelationship = z.object({ ...ends, relation_type: z.string(), ...z.object(measure).exactPartial().shape });
const relationshipPatch = z.object(measure).exactPartial();

export const relationshipRoutes: Routes = {
  'POST /relationships': ({ model, caller, body, newId }) => {
    const { rows, said } = model;
    const { strength, metadata, ...five } = newRelationship.parse(body);
    if (five.source_type === five.target_type && five.source_id === five.target_id) return 400;
    // Whose it is and these five are what it is, for ever.
    const name = sorted([caller.id, five]);
    const id = newId(said.relationships.get(name));
    const given = { ...(strength !== undefined && { strength }), ...(metadata && { metadata }) };
    return {
      creates: true,
      chosenId: undefined,
      stream: `relationship-${id}`,
      isInUse: false,
      entity: () => own(rows.relationships, id, caller.id),
      content: [five, given],
      decide: () => {
        if (!isEnd(rows, caller.id, five.source_type, five.source_id) || !isEnd(rows, caller.id, five.target_type, five.target_id))
          return 422;
        const row = rows.relationships.get(id);
        if (row) return changed(row, given);
        const apply: Happening['apply'] = (stamp) => {
          said.relationships.set(name, id);
          const whole = { ...five, strength: 1, metadata: {}, ...given, author: caller.actor };
          rows.relationships.set(id, { ...stamped(id, caller.id, stamp), ...whole });
        };
        return [{ type: 'RelationshipEstablished', about: ['relationship', id], apply }];
      },
    };
  },
  'PATCH /relationships/:id': (request) => {
    const patch = relationshipPatch.parse(request.body);
    return onRelationship(request, patch, (row) => changed(row, patch));
  },
  'DELETE /relationships/:id': (request) => {
    const { relationships } = request.model.rows;
    const remove = ({ id }: RelationshipRow): Happening[] => [
      { type: 'RelationshipRemoved', about: ['relationship', id], apply: () => relationships.delete(id) },
    ];
    return onRelationship(request, {}, remove, 'nothing');
  },
};

function changed(row: RelationshipRow, patch: Partial<RelationshipRow>): Happening[] {
  const set: Partial<RelationshipRow> = changes(row, patch);
  if (Object.keys(set).length === 0) return [];
  return [{ type: 'RelationshipChanged', about: ['relationship', row.id], apply: (stamp) => change(row, stamp, set) }];
}

function onRelationship(request: Context, said: unknown, decide: (row: RelationshipRow) => Refusal | Happening[], answers?: 'nothing') {
  const { model, params, caller } = request;
  return commandOn(request, `relationship-${params.id}`, own(model.rows.relationships, params.id, caller.id), said, decide, answers);
}

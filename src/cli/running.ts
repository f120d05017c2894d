// A Daybook that runs on this machine, as the command line talks to it: over HTTP, with a token that who can read its secret
// can make.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { embeddingState } from '../embeddings/standing.ts';
import { policyState } from '../policies/standing.ts';
import { type ParkedEvent, parkedPage, type ReadModelState, readModelState } from '../projections/control.ts';
import type { Verification } from '../projections/verify.ts';
import { createTokens } from '../tokens.ts';
import { buildLines, partBuilt } from './buildProgress.ts';
import { embedderLine, parkedLines, policyLine } from './status.ts';

export type RunningDaybook = {
  readonly statusLines: () => Promise<readonly string[]>;
  readonly act: (word: 'pause' | 'resume' | 'rebuild', projection: string) => Promise<void>;
  /** Resolves to what it found. @throws with why it could not be done */
  readonly verify: () => Promise<readonly Verification[]>;
  /** Resolves when it is built; says how far it is. @throws with why it could not be */
  readonly rebuild: (say: (line: string) => void) => Promise<void>;
};

const list = z.object({ items: z.tuple([readModelState]), policies: z.array(policyState), embeddings: z.array(embeddingState) });

const LOOK_EVERY_MS = 250;
const PATH = '/system/projections';

export function runningDaybook({ HOST, PORT, JWT_SECRET, DAYBOOK_DATA_DIR }: Config): RunningDaybook {
  const host = ['0.0.0.0', '::'].includes(HOST) ? '127.0.0.1' : HOST;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${PORT}/api/v1`;
  const tokens = createTokens(JWT_SECRET ?? readFileSync(join(DAYBOOK_DATA_DIR, 'jwt_secret'), 'utf8').trim(), 1);

  async function ask(method: 'GET' | 'POST', path: string): Promise<unknown> {
    const authorization = `Bearer ${await tokens.issueForOperator()}`;
    const answer = await fetch(url + path, { method, headers: { authorization } }).catch(() => {
      throw new Error(`Daybook is running, but does not answer at ${url}. Set HOST and PORT as for it.`);
    });
    if (!answer.ok) throw new Error(`Daybook at ${url} answers ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }
  const all = async () => list.parse(await ask('GET', PATH));

  /** Looks at it until it is no longer so. */
  async function whileIt(isSo: (found: ReadModelState) => boolean | undefined): Promise<ReadModelState> {
    for (;;) {
      const [found] = (await all()).items;
      if (!isSo(found)) return found;
      await delay(LOOK_EVERY_MS);
    }
  }

  return {
    act: async (word, projection) => {
      await ask('POST', `${PATH}/${projection}/${word}`);
    },
    verify: async () => {
      await ask('POST', `${PATH}/read_model/verify`);
      const { verification } = await whileIt(({ verification }) => verification?.is_verifying);
      if (verification?.last_error != null) throw new Error(verification.last_error);
      return verification?.tables ?? [];
    },
    statusLines: async () => {
      const { items, policies, embeddings } = await all();
      const [{ position, head, lag_events, lag_seconds, status, rate, last_error, build }] = items;
      const lines = [
        `Event log: up to position ${head ?? 'none'}.`,
        `Read model: ${status}, up to position ${position ?? 'none'}${lag_events === 0 ? ', which is all' : `; ${lag_events} events behind, for ${lag_seconds.toFixed(1)} s`}.`,
        ...rateAndError({ rate, last_error }),
        ...(build?.is_building ? [`One is being built beside it: ${built(build)}.`] : []),
        ...(build?.last_error == null ? [] : [`The last build failed: ${build.last_error}`]),
      ];
      const events: ParkedEvent[] = [];
      for (let after: number | null = -1; after !== null; ) {
        const page: z.output<typeof parkedPage> = parkedPage.parse(await ask('GET', `${PATH}/read_model/parked-events?after=${after}`));
        events.push(...page.items);
        after = page.next_after;
      }
      return [
        ...lines,
        ...parkedLines(events),
        ...policies.flatMap((policy) => [
          policyLine(policy),
          ...policy.set_aside.map((position) => `  the event at position ${position}`),
          ...rateAndError(policy),
        ]),
        ...embeddings.flatMap((embedding) => [embedderLine(embedding, embedding.status), ...rateAndError(embedding)]),
      ];
    },
    rebuild: async (say) => {
      await ask('POST', `${PATH}/read_model/rebuild`);
      const lineOf = buildLines();
      const { build } = await whileIt(({ build }) => {
        const line = build?.is_building ? lineOf(build) : undefined;
        if (line !== undefined) say(line);
        return build?.is_building;
      });
      if (build?.last_error != null)
        throw new Error(`The read model could not be built, and the one that was there stays: ${build.last_error}`);
      say(`The read model is built: ${build?.events ?? 0} events.`);
    },
  };
}

const rateAndError = ({ rate = null, last_error }: { readonly rate?: number | null; readonly last_error: string | null }) => [
  ...(rate === null ? [] : [`It takes ${rate.toFixed(1)} events/s.`]),
  ...(last_error === null ? [] : [`Last error: ${last_error}`]),
];

const built = (build: NonNullable<ReadModelState['build']>) => `${Math.floor(partBuilt(build) * 100)}% · ${build.events} events`;

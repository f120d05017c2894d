// Every setting: its name in the environment, its default and its meaning. A wrong one stops the start with one line.
import { validate as isCron } from 'node-cron';
import { z } from 'zod';
import { isSecret } from './secrets.ts';
import { emailAddress } from './vocabulary.ts';

export const roles = ['api', 'projector', 'embedder', 'scheduler'] as const;

/** A whole number, as text in the environment. */
const whole = (min: number, max: number) => {
  const fault = `must be a whole number from ${min} to ${max}`;
  return z.string().regex(/^\d+$/, fault).transform(Number).pipe(z.number().min(min, fault).max(max, fault));
};
const port = whole(0, 65_535);
const secret = z.string().refine(isSecret, 'must be at least 32 bytes long');
const oneOf = <const Word extends string>(words: readonly Word[]) => z.enum(words, `must be one of ${words.join(', ')}`);
const listOf = <Item extends z.ZodType<string, string>>(item: Item) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));

/** RFC 6454 section 6.2: as browsers send it, or it would never be equal. */
const isOrigin = (text: string) => text === '*' || (URL.canParse(text) && new URL(text).origin === text);

const isMailServer = (text: string) =>
  URL.canParse(text) && ['smtp:', 'smtps:'].includes(new URL(text).protocol) && new URL(text).hostname !== '';

const isWebAddress = (text: string) => URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);

const settings = z.object({
  HOST: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
  PORT: port.default(3000).describe('port to listen on; 0 takes any free one'),
  DAYBOOK_DATA_DIR: z.string().min(1).default('./data').describe('folder of the embedded stores and of the secrets'),
  EVENTSTORE_URL: z
    .string()
    .regex(/^(esdb|kurrentdb)(\+discover)?:\/\//, 'must begin with esdb:// or esdb+discover://')
    .optional()
    .describe('EventStoreDB or KurrentDB cluster; unset: the embedded log'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
    .optional()
    .describe('Postgres 15 or later with pgvector; unset: the embedded one'),
  BLOB_URL: z
    .string()
    .refine(
      (text) => URL.canParse(text) && new URL(text).protocol === 'file:' && new URL(text).host === '',
      'must be a folder as file:///…',
    )
    .optional()
    .describe('folder of files and long texts, shared by all nodes, as file:///…; unset: in the data folder'),
  MAX_UPLOAD_MIB: whole(1, 1_024).default(25).describe('how large a file or a raw message may be'),
  EMBEDDED_EVENTSTORE_PORT: port.default(0).describe('loopback port of the embedded log; 0 takes any free one'),
  JWT_SECRET: secret.optional().describe('signs access tokens, 32 bytes or more; unset: made once and kept in the data folder'),
  MASTER_KEY: secret.optional().describe('derives keys for HMACs, 32 bytes or more; unset: made once and kept in the data folder'),
  SMTP_URL: z
    .string()
    .refine(isMailServer, 'must be a mail server as smtp://user:password@host:587 or smtps://user:password@host:465')
    .optional()
    .describe('mail server to send drafts through, as smtp://user:password@host:587 or smtps://…:465; unset: nothing is sent'),
  MAX_SENDS_PER_DAY: whole(1, 1_000_000).default(500).describe('how many recipients one person’s drafts may be sent to in a day (UTC)'),
  EMBEDDINGS_URL: z
    .string()
    .refine(isWebAddress, 'must be the address of an API as OpenAI’s, such as https://api.openai.com/v1')
    .optional()
    .describe('API as OpenAI’s that texts are embedded with, such as https://api.openai.com/v1; unset: the model that comes along'),
  EMBEDDINGS_MODEL: z.string().max(200).optional().describe('the model to ask of it, such as text-embedding-3-small'),
  EMBEDDINGS_API_KEY: z.string().optional().describe('what it is asked with, as a bearer token'),
  EMBEDDINGS_REQUESTS_PER_MINUTE: whole(1, 1_000_000).default(300).describe('how often it may be asked for what is to be stored'),
  ACCESS_TOKEN_EXPIRE_MINUTES: whole(1, 1_440).default(15).describe('how long an access token is valid'),
  REFRESH_TOKEN_EXPIRE_DAYS: whole(1, 3_650).default(30).describe('how long a login lasts that is not used'),
  ADMIN_EMAILS: listOf(
    z
      .string()
      .refine((text) => emailAddress.safeParse(text).success, 'must be email addresses')
      .toLowerCase(),
  )
    .prefault('')
    .describe('who registers one of these addresses is an admin; between commas'),
  CORS_ORIGINS: listOf(z.string().refine(isOrigin, 'must be * or origins such as https://app.example.com, without a path'))
    .prefault('')
    .describe('web origins that may call the API, between commas; * is any'),
  TRUST_PROXY: listOf(
    z.union(
      [z.enum(['loopback', 'linklocal', 'uniquelocal']), z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
      'must be addresses, networks or loopback',
    ),
  )
    .prefault('')
    .describe('proxies whose X-Forwarded-For is believed: addresses, networks or loopback, between commas'),
  MAX_LAG_SECONDS: whole(1, 86_400)
    .default(60)
    .describe('how far the read model may be behind the event log before requests are answered with 503, unless it is paused'),
  METRICS_TOKEN: z
    .string()
    .min(16, 'must be at least 16 characters long')
    .optional()
    .describe('what /metrics is asked with, as a bearer token; unset: it answers this machine alone'),
  SCHEDULE: z
    .string()
    .refine(isCron, 'must be a cron expression such as * * * * *')
    .default('* * * * *')
    .describe('when what is due is looked for, as a cron expression (of six parts: with seconds)'),
  VERIFY_SCHEDULE: z
    .string()
    .refine(isCron, 'must be a cron expression such as 0 4 * * 0')
    .default('0 4 * * 0')
    .describe('when the tables are compared with what the event log gives, as a cron expression'),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info').describe('what is logged'),
  ROLES: listOf(oneOf(roles))
    .refine((given) => given.length > 0, 'must name at least one role')
    .prefault(roles.join(','))
    .describe(`what this process does, between commas: ${roles.join(', ')}`),
});

export type Config = z.output<typeof settings>;

/** One line that names the setting and what is wrong with it. */
export class InvalidSetting extends Error {}

/** What has to be set together. */
const consistent = settings.superRefine(({ EMBEDDINGS_URL, EMBEDDINGS_MODEL }, context) => {
  if ((EMBEDDINGS_URL === undefined) === (EMBEDDINGS_MODEL === undefined)) return;
  const [missing, other] = EMBEDDINGS_URL === undefined ? ['EMBEDDINGS_URL', 'EMBEDDINGS_MODEL'] : ['EMBEDDINGS_MODEL', 'EMBEDDINGS_URL'];
  context.addIssue({ code: 'custom', path: [missing], message: `must be set where ${other} is` });
});

/** Reads the settings from an environment; an empty one counts as unset. @throws InvalidSetting */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { success, data, error } = consistent.safeParse(given);
  if (success) return data;
  throw new InvalidSetting(error.issues.map(({ path, message }) => `${path[0]?.toString()}: ${message}`).join('; '));
}

/** The settings as the README lists them. */
export const settingsTable = (): { name: string; default: string; meaning: string }[] =>
  Object.entries(settings.shape).map(([name, schema]) => {
    const unset = schema.safeParse(undefined).data;
    return { name, default: unset === undefined ? '' : String(unset), meaning: schema.description ?? '' };
  });

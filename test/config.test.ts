// Settings: a wrong one is named in one line, and stops the start.
import { describe, expect, test } from 'vitest';
import { InvalidSetting, readConfig, roles } from '../src/config.ts';

test('nothing set is everything at its default, and an empty setting is an unset one', () => {
  expect(readConfig({})).toMatchObject({ HOST: '127.0.0.1', PORT: 3000, ROLES: roles, ADMIN_EMAILS: [], CORS_ORIGINS: [] });
  expect(readConfig({ PORT: '', ROLES: '', JWT_SECRET: '' })).toEqual(readConfig({}));
});

test('lists are between commas, and addresses compared in lower case', () => {
  const set = { ROLES: 'api, projector', ADMIN_EMAILS: 'Ann@Example.com,', CORS_ORIGINS: 'https://app.example.com, http://localhost:5173' };
  expect(readConfig(set)).toMatchObject({
    ROLES: ['api', 'projector'],
    ADMIN_EMAILS: ['ann@example.com'],
    CORS_ORIGINS: ['https://app.example.com', 'http://localhost:5173'],
  });
  expect(readConfig({ CORS_ORIGINS: '*' })).toMatchObject({ CORS_ORIGINS: ['*'] });
});

describe('a wrong setting is named:', () => {
  const port = 'must be a whole number from 0 to 65535';
  test.for([
    ['PORT', '65536', new RegExp(`^PORT: ${port}$`)],
    ['PORT', '3000.5', new RegExp(`^PORT: ${port}$`)],
    ['PORT', ' ', new RegExp(`^PORT: ${port}$`)],
    ['PORT', '0x50', new RegExp(`^PORT: ${port}$`)],
    ['PORT', '-1', new RegExp(`^PORT: ${port}$`)],
    ['EMBEDDED_EVENTSTORE_PORT', '3e3', new RegExp(`^EMBEDDED_EVENTSTORE_PORT: ${port}$`)],
    ['ACCESS_TOKEN_EXPIRE_MINUTES', '0', /^ACCESS_TOKEN_EXPIRE_MINUTES: must be a whole number from 1 to 1440$/],
    ['REFRESH_TOKEN_EXPIRE_DAYS', '3651', /^REFRESH_TOKEN_EXPIRE_DAYS: must be a whole number from 1 to 3650$/],
    ['JWT_SECRET', ' '.repeat(40), /^JWT_SECRET: must be at least 32 bytes long$/],
    ['PORT', 'http', new RegExp(`^PORT: ${port}$`)],
    ['JWT_SECRET', 'short', /^JWT_SECRET: must be at least 32 bytes long$/],
    ['MASTER_KEY', 'short', /^MASTER_KEY: must be at least 32 bytes long$/],
    ['EVENTSTORE_URL', 'http://localhost', /^EVENTSTORE_URL: must begin with esdb:/],
    ['DATABASE_URL', 'mysql://localhost', /^DATABASE_URL: must begin with postgres:/],
    ['ADMIN_EMAILS', 'ann', /^ADMIN_EMAILS: must be email addresses$/],
    ['CORS_ORIGINS', 'https://app.example.com/', /^CORS_ORIGINS: must be \* or origins/],
    ['CORS_ORIGINS', 'localhost:5173', /^CORS_ORIGINS: must be \* or origins/],
    ['TRUST_PROXY', 'my-proxy', /^TRUST_PROXY: must be addresses, networks or loopback$/],
    ['ROLES', 'api,cook', /^ROLES: must be one of api, projector, embedder, scheduler$/],
    ['ROLES', ',', /^ROLES: must name at least one role$/],
    ['LOG_LEVEL', 'loud', /^LOG_LEVEL: must be one of fatal, error/],
  ] as const)('%s=%s', ([name, value, line]) => {
    expect(() => readConfig({ [name]: value })).toThrow(InvalidSetting);
    expect(() => readConfig({ [name]: value })).toThrow(line);
  });
});

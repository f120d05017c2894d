// What is masked and what is not. None of the secrets here ever was one.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskSecrets, maskText } from '../src/masking.ts';

const M = '[masked]';
const jwt = `eyJhbGciOiJIUzI1NiJ9.${'eyJzdWIiOiJhZGEifQ'}.c2lnbmF0dXJl`;
const sk = ['sk', 'proj', 'abcDEF0123456789abcDEF'].join('-');

describe('an object', () => {
  test('loses what is named like a secret, however deep', () => {
    expect(
      maskSecrets({
        url: 'https://example.com',
        headers: { Authorization: 'anything', 'Set-Cookie': ['a=1', 'b=2'], 'X-Api-Key': 'k', accept: 'text/html' },
        auth: { user: 'ada', pass: 'pw', nested: [{ pin: 1234 }] },
        body: [{ clientSecret: 's', refresh_token: 'r', password: 12, otp: null, grant_type: 'refresh_token' }],
      }),
    ).toEqual({
      url: 'https://example.com',
      headers: { Authorization: M, 'Set-Cookie': [M, M], 'X-Api-Key': M, accept: 'text/html' },
      auth: { user: M, pass: M, nested: [{ pin: M }] },
      body: [{ clientSecret: M, refresh_token: M, password: M, otp: null, grant_type: 'refresh_token' }],
    });
  });

  test('keeps counts of tokens and what only sounds like a secret', () => {
    const usage = {
      max_tokens: 100,
      usage: { prompt_tokens: 3, tokens: 4 },
      token_count: 5,
      author: 'Ada',
      passenger: 'Bob',
      keyboard: 'en',
    };
    expect(maskSecrets(usage)).toEqual(usage);
  });

  test('loses headers that are a list', () => {
    expect(
      maskSecrets({
        pairs: [
          ['authorization', 'x'],
          ['accept', 'y'],
        ],
        raw: ['Cookie', 'a=1', 'Host', 'example.com'],
        har: [
          { name: 'Cookie', value: 'a=1' },
          { key: 'x-auth-token', value: 't' },
          { header: 'authorization', value: 'x' },
          { name: 'Host', value: 'example.com' },
        ],
      }),
    ).toEqual({
      pairs: [
        ['authorization', M],
        ['accept', 'y'],
      ],
      raw: ['Cookie', M, 'Host', 'example.com'],
      har: [
        { name: 'Cookie', value: M },
        { key: 'x-auth-token', value: M },
        { header: 'authorization', value: M },
        { name: 'Host', value: 'example.com' },
      ],
    });
  });

  test.each(['name', 'key', 'header'])('that is itself a header by its %s loses its value', (key) => {
    expect(maskSecrets({ [key]: 'Authorization', value: 'x' })).toEqual({ [key]: 'Authorization', value: M });
    expect(maskSecrets({ [key]: 'Host', value: 'x' })).toEqual({ [key]: 'Host', value: 'x' });
  });

  test.each(['code_verifier', 'codeVerifier', 'client_assertion', 'account_key', 'AccountKey', 'passcode', 'pin', 'PIN'])(
    'loses its %s',
    (name) => {
      expect(maskSecrets({ [name]: 'x' })).toEqual({ [name]: M });
      expect(maskText(`a=b&${name}=x&c=d`)).toBe(`a=b&${name}=${M}&c=d`);
    },
  );

  test('keeps what is pinned and what is of the kind of a secret', () => {
    const kept = { pins: ['a'], a: { pin: true }, b: { pin: { id: 'a' } }, c: { pin: ['a'] }, pinned: 'a', client_assertion_type: 'urn:a' };
    expect(maskSecrets(kept)).toEqual(kept);
  });

  test('loses what is in its keys', () => {
    expect(maskSecrets({ [`Bearer ${sk}`]: 1 })).toEqual({ [`Bearer ${M}`]: 1 });
  });

  test('is masked to the same each time, and not again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const once = maskSecrets(object);
        expect(maskSecrets(object)).toEqual(once);
        expect(maskSecrets(once)).toEqual(once);
      }),
    );
  });
});

describe('a text', () => {
  test.each([
    ['Authorization: Basic YWRhOnNlY3JldA==', `Authorization: ${M}`],
    ['GET / HTTP/1.1\r\nCookie: sid=1; b=2\r\nHost: a', `GET / HTTP/1.1\r\nCookie: ${M}\r\nHost: a`],
    ['sent Bearer abcdefghijklmnop1 to it', `sent Bearer ${M} to it`],
    ['with Basic YWRhOnNlY3JldA==', `with Basic ${M}`],
    ['smtps://ada:p%40ss@mail.example.com:465/?pool=true', `smtps://${M}@mail.example.com:465/?pool=true`],
    ['https://ada:p@ss@example.com/', `https://${M}@example.com/`],
    ['https://a.example/x?access_token=abc&page=2', `https://a.example/x?access_token=${M}&page=2`],
    ['https://a.example/x?key=abc&sig=def#code', `https://a.example/x?key=${M}&sig=${M}#code`],
    ['grant_type=password&username=ada&password=hunter2', `grant_type=password&username=ada&password=${M}`],
    ['{"password": "hunter2", "user": "ada"}', `{"password":"${M}","user":"ada"}`],
    ['{"access_token": "abc", "expires', `{"access_token": "${M}", "expires`],
    ['{"password": "hun,ter two', `{"password": "${M}`],
    ['{"password": "hun\\",ter two", "user": "a', `{"password": "${M}", "user": "a`],
    ['{"body": "{\\"password\\": \\"hun,ter two\\", \\"a', `{"body": "{\\"password\\": \\"${M}\\", \\"a`],
    ['Password=hunter two;', `Password=${M};`],
    ['Server=a b;Password=hunter, two;User=c', `Server=a b;Password=${M};User=c`],
    ['Server=a b; Password=hunter two', `Server=a b; Password=${M}`],
    [`password=${'hunter'.repeat(1_000)} of ada`, `password=${M} of ada`],
    ['code=abc&state=def', `code=${M}&state=def`],
    ['<user>ada</user><password>hunter two</password>', `<user>ada</user><password>${M}</password>`],
    ['<o:Password Type="a"><![CDATA[<hunter>]]></o:Password>', `<o:Password Type="a">${M}</o:Password>`],
    ['<password>hunter2', `<password>${M}`],
    ['login failed (password: hunter2)', `login failed (password: ${M}`],
    [`token ${jwt}.`, `token ${M}`],
    [`uses ${sk}, it says`, `uses ${M}, it says`],
    [`ghp_${'a1'.repeat(18)}`, M],
    [`AKIA${'ABCD'.repeat(4)} is it`, `${M} is it`],
    [`xoxb-${'1'.repeat(12)}-abc`, M],
    ['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n', `${M}\n`],
    ['-----BEGIN PRIVATE KEY-----\nabc', M],
  ])('%j is kept as %j', (text, kept) => {
    expect(maskText(text)).toBe(kept);
    expect(maskText(kept)).toBe(kept);
  });

  test.each([
    'Basic knowledge of bearer instruments, and the secret: he loved her.',
    'A token of friendship; see https://example.com/a@b?page=2&sort=-name and mail ada@example.com.',
    '{"a": 1.0, "b": [1, 2]}',
    'const password = ',
    'To pin: press and hold the pin; code=5 is an error, and code=6 is none.',
    'code=5 is an error; Map<Token> is a type, and login <user> <password> is how to log in.',
    '<password /><user>ada</user><password></password>',
    '{"id": "a", "pin":true, "password":null, "title": "a',
    '2026-11-24T07:08:03Z 0192f0c1-0000-7000-8000-000000000001',
    '',
  ])('%j is kept as it is', (text) => {
    expect(maskText(text)).toBe(text);
  });

  test.each([
    'a.',
    'eyJ-',
    'eyJabcdefgh.',
    'password',
    'bearer ',
    'https://',
    'a:b@',
    '-----BEGIN PRIVATE KEY',
    '[',
    '{"a":',
    'sk-',
    '"= "',
    '<password>',
    '<password a',
    ';password=',
    '"password": "\\',
    'password=a ',
    ' ',
  ])('of very many %j does not take long', (part) => {
    const begun = performance.now();
    maskText(part.repeat(Math.ceil((256 * 1024) / part.length)));
    expect(performance.now() - begun).toBeLessThan(3_000);
  });
});

test('JSON nested beyond all measure in a text is masked as the text that it is', () => {
  const deep = `${'['.repeat(8_000)}"Bearer abcdefgh12345678"${']'.repeat(8_000)}`;
  const masked = maskText(deep);
  expect(masked).toContain('[[[');
  expect(masked).not.toContain('abcdefgh12345678');
  expect(maskText(masked)).toBe(masked);
});

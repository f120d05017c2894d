// What is logged of a call to the outside goes on as it is, but for its secrets: those are for ever out of the log only if they
// never get into it. Whatever is named like a secret or has the shape of one is replaced; where that is not certain, it is
// replaced, too. The same value is always masked to the same, and what is masked already stays as it is.
const MASK = '[masked]';

type Json = Readonly<Record<string, unknown>>;

/** The same JSON with its secrets masked, however deep, also in JSON that is in a text. */
export function maskSecrets(object: Json): Json {
  // A header or a cookie as `{ name, value }`.
  const named = [object.name, object.key, object.header].find((name) => typeof name === 'string' && isSecretName(name));
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => {
      const name = key === 'value' ? named : isSecretName(key) ? key : undefined;
      return [maskText(key), typeof name === 'string' ? masked(value, name) : maskValue(value)];
    }),
  );
}

function maskValue(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (Array.isArray(value)) return maskList(value);
  return isObject(value) ? maskSecrets(value) : value;
}

/** Headers as `[name, value]`, or one after the other as Node has them raw. */
const maskList = (list: readonly unknown[]): unknown[] =>
  list.map((value, index) => {
    const before = list[index - 1];
    return typeof before === 'string' && isSecretName(before) ? masked(value, before) : maskValue(value);
  });

/** Nothing of a value but its shape. A number of tokens is a count, and a pin that is no text or number is a thing put up. */
function masked(value: unknown, name: string): unknown {
  if (typeof value === 'object' && /^pin$/i.test(name)) return maskValue(value);
  if (Array.isArray(value)) return value.map((element) => masked(element, name));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, member]) => [maskText(key), masked(member, name)]));
  if (typeof value === 'number' && !/tokens?$/i.test(name)) return MASK;
  return typeof value === 'string' && value !== '' ? MASK : value;
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const SECRET_PARTS =
  /passw(?:or)?d|passphrase|passcode|secret|api_?key|private_?key|access_?key|account_?key|signing_?key|encryption_?key|credential|authorization|cookie|csrf|xsrf|^pin$|(?:^|_)(?:code_?verifier|client_?assertion|tokens?|pass|pwd|jwt|otp|auth|bearer|authtoken|accesstoken|refreshtoken|idtoken|session_?key)$/;

/** Whether what has this name is a secret: `X-Api-Key`, `clientSecret`, `refresh_token`. */
function isSecretName(name: string): boolean {
  if (name.length > 100) return false;
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
  return SECRET_PARTS.test(words);
}

/** A text with its secrets masked; one that is JSON is masked as such. */
export function maskText(text: string): string {
  const json = /^\s*[[{]/.test(text) ? parsed(text) : undefined;
  if (json === undefined) return SHAPES.reduce((rest, mask) => mask(rest), text);
  const [before, after] = [JSON.stringify(json), JSON.stringify(maskValue(json))];
  return before === after ? text : after;
}

/** How deep JSON within a text is looked into; what is deeper is masked as the text it is. */
const MAX_DEPTH = 32;

function parsed(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return isDeeper(json, MAX_DEPTH) ? undefined : json;
  } catch {
    return undefined;
  }
}

const isDeeper = (value: unknown, depth: number): boolean =>
  typeof value === 'object' && value !== null && (depth === 0 || Object.values(value).some((member) => isDeeper(member, depth - 1)));

const replace = (shape: RegExp, by: string) => (text: string) => text.replaceAll(shape, by);

// Each is bounded in what it looks at from any one place, so that no text takes long.
const SHAPES: readonly ((text: string) => string)[] = [
  replace(/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, MASK),
  // RFC 3986 section 3.2.1
  replace(/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#"'<>@]{1,1000}(?:@[^\s/?#"'<>@]{1,1000})*@/gi, `$1${MASK}@`),
  // What only in the query of a URL or in a form is a secret by this name.
  replace(
    /((?:^(?=[^\s&]+&)|[?&;])(?:key|code|sig|signature|assertion|x-amz-signature|x-amz-credential|x-goog-signature)=)[^\s&#"'<>]+/gi,
    `$1${MASK}`,
  ),
  // Lines of headers.
  replace(/^([ \t]{0,8}(?:proxy-)?authorization|[ \t]{0,8}(?:set-)?cookie)([ \t]{0,8}:[ \t]{0,8})[^\r\n]+/gim, `$1$2${MASK}`),
  maskAssignments,
  // RFC 6750 and RFC 7617. A word that follows is no token; one of base64 is.
  replace(/\b((?:bearer|basic|digest|token|apikey)[ \t]{1,8})(?=[\w.~+/=-]{0,200}\d|[\w.~+/=-]{24})[\w.~+/=-]{8,}/gi, `$1${MASK}`),
  (text) =>
    text.replaceAll(/\b(basic[ \t]{1,8})([\w+/=-]{4,4000})/gi, (all, scheme, value) => (isUserAndPassword(value) ? scheme + MASK : all)),
  // JSON Web Tokens, and what well-known services give out.
  replace(/(?<![\w-])eyJ[\w-]{8,1024}\.[\w-]{2,16384}(?:\.[\w-]*)?/g, MASK),
  replace(/\b(?:sk|pk|rk|whsec)[-_][\w-]{16,}/g, MASK),
  replace(
    /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|npm_|hf_|shpat_|dop_v1_|pypi-|GOCSPX-|AIza|ya29\.|SG\.)[\w.-]{16,}/g,
    MASK,
  ),
  replace(/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, MASK),
  replace(/(hooks\.slack\.com\/services\/)[\w/-]+/g, `$1${MASK}`),
  replace(/\b\d{8,10}:[\w-]{35}\b/g, MASK),
];

// A look ahead first: a look behind at each place takes long.
const ASSIGNMENT =
  /\b([\w.%-]{2,64})(?:\\?["']?[ \t]{0,8}[=:][ \t]{0,8}(\\?["'])?|(?=[\s>])(?<=<[\w.:-]{2,128})(?:\s[^<>]{0,1000})?(?<!\/)>)/g;

/** `password=…`, in forms and environments, `"password": "…"`, in JSON that was cut, and `<password>…</password>`. */
function maskAssignments(text: string): string {
  const lastTag = text.lastIndexOf('</');
  let kept = '';
  let done = 0;
  for (const { index, 0: assignment, 1: name = '', 2: quote } of text.matchAll(ASSIGNMENT)) {
    const start = index + assignment.length;
    if (start < done || !isSecretName(name)) continue;
    const value = quote
      ? quoted(text, start, quote)
      : assignment.endsWith('>') && start <= lastTag
        ? text.slice(start, text.indexOf('</', start))
        : unquoted(text.slice(start), assignment, /;[ \t]?$/.test(text.slice(Math.max(0, index - 2), index)));
    if (value === '' || value === MASK) continue;
    kept += text.slice(done, start) + MASK;
    done = start + value.length;
  }
  return kept + text.slice(done);
}

/** What is up to the quote that closes, or all the rest where none does. */
function quoted(text: string, start: number, quote: string): string {
  let end = text.indexOf(quote, start);
  while (end > 0 && text[end - 1] === '\\') end = text.indexOf(quote, end + 1);
  return text.slice(start, end < 0 ? undefined : end);
}

/** A word; but what ends with a `;`, or comes after one, is of a list of settings, which may have blanks in them. */
function unquoted(rest: string, assignment: string, inList: boolean): string {
  const setting = inList ? /^[^\r\n"'&;<>]*/ : /^[^\r\n"'&;<>=]*(?=;)/;
  const [value = ''] = (/=[ \t]*$/.test(assignment) && setting.exec(rest)) || (/^[^\s"'&;,<>]*/.exec(rest) ?? []);
  // In prose, the word after a colon is no value; one with a digit in it is.
  const isNone = /^(?:true|false|null)[\]})]*$/.test(value) || (assignment.endsWith(': ') && !/\d/.test(value));
  return isNone ? '' : value;
}

const isUserAndPassword = (base64: string) => /^[\x20-\x7e]+:[\x20-\x7e]*$/.test(Buffer.from(base64, 'base64').toString('latin1'));

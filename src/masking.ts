// What is logged of a call to the outside goes on as it is, but for its secrets: those are for ever out of the log only if they
// never get into it. Whatever is named like a secret or has the shape of one is replaced; where that is not certain, it is
// replaced, too. The same value is always masked to the same, and what is masked already stays as it is.
const MASK = '[masked]';

type Json = Readonly<Record<string, unknown>>;

/** The same JSON with its secrets masked, however deep, also in JSON that is in a text. */
export const maskSecrets = (object: Json): Json =>
  Object.fromEntries(
    Object.entries(object).map(([key, value]) => [maskText(key), isSecretName(key) ? masked(value, key) : maskValue(value)]),
  );

function maskValue(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (Array.isArray(value)) return maskList(value);
  if (!isObject(value)) return value;
  // A header or a cookie as `{ name, value }`.
  const { name, key = name, value: content } = value;
  return typeof key === 'string' && isSecretName(key) && content !== undefined
    ? { ...maskSecrets(value), value: masked(content, key) }
    : maskSecrets(value);
}

/** Headers as `[name, value]`, or one after the other as Node has them raw. */
const maskList = (list: readonly unknown[]): unknown[] =>
  list.map((value, index) => {
    const before = list[index - 1];
    return typeof before === 'string' && isSecretName(before) ? masked(value, before) : maskValue(value);
  });

/** Nothing of a value but its shape. A number of tokens is a count. */
function masked(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((element) => masked(element, name));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, member]) => [maskText(key), masked(member, name)]));
  if (typeof value === 'number' && !/tokens?$/i.test(name)) return MASK;
  return typeof value === 'string' && value !== '' ? MASK : value;
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const SECRET_PARTS =
  /passw(?:or)?d|passphrase|secret|api_?key|private_?key|access_?key|signing_?key|encryption_?key|credential|authorization|cookie|csrf|xsrf|(?:^|_)(?:tokens?|pass|pwd|jwt|otp|auth|bearer|authtoken|accesstoken|refreshtoken|idtoken|session_?key)$/;

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
  // What only in the query of a URL is a secret by this name.
  replace(/([?&;](?:key|code|sig|signature|assertion|x-amz-signature|x-amz-credential|x-goog-signature)=)[^\s&#"'<>]+/gi, `$1${MASK}`),
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

/** `password=…`, in forms and environments, and `"password": "…"`, in JSON that was cut. */
function maskAssignments(text: string): string {
  let kept = '';
  let done = 0;
  for (const { index, 0: assignment, 1: name = '' } of text.matchAll(/\b([\w.%-]{2,64})["']?[ \t]{0,8}[=:][ \t]{0,8}["']?/g)) {
    const start = index + assignment.length;
    const [value = ''] = isSecretName(name) && start >= done ? (/^[^\s"'&;,<>]*/.exec(text.slice(start, start + 4096)) ?? []) : [];
    // In prose, the word after a colon is no value; one with a digit in it is.
    if (value === '' || value === MASK || (assignment.endsWith(': ') && !/\d/.test(value))) continue;
    kept += text.slice(done, start) + MASK;
    done = start + value.length;
  }
  return kept + text.slice(done);
}

const isUserAndPassword = (base64: string) => /^[\x20-\x7e]+:[\x20-\x7e]*$/.test(Buffer.from(base64, 'base64').toString('latin1'));

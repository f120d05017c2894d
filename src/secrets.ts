// What is derived from MASTER_KEY. Every node with the same key derives the same, and each purpose has a key of its own,
// so that no value of one purpose says anything about another.
import { createHmac, hkdfSync } from 'node:crypto';

type Purpose = 'email-address' | 'request-body' | 'master-key-check';

export type Secrets = {
  /** HMAC-SHA-256 in lower-case hex. */
  readonly hmac: (purpose: Purpose, text: string) => string;
};

/** What keys can be derived from, or tokens signed with (RFC 7518 section 3.2: as many bits as the hash): spaces around it do not count. */
export const isSecret = (text: string): boolean => Buffer.byteLength(text.trim()) >= 32;

/** @param masterKey at least 32 bytes */
export function deriveSecrets(masterKey: string): Secrets {
  const keyFor = (purpose: Purpose) => Buffer.from(hkdfSync('sha256', masterKey, '', `daybook ${purpose}`, 32));
  const keys = {
    'email-address': keyFor('email-address'),
    'request-body': keyFor('request-body'),
    'master-key-check': keyFor('master-key-check'),
  };
  return { hmac: (purpose, text) => createHmac('sha256', keys[purpose]).update(text).digest('hex') };
}

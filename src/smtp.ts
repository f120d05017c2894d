// Sending a letter through a mail server (SMTP, RFC 5321), with the one answer that matters afterwards: whether it was taken,
// surely not taken, or nobody knows.
import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection, { type SentMessageInfo } from 'nodemailer/lib/smtp-connection';

type Mailbox = { readonly name: string | null; readonly address: string };

export type Letter = {
  readonly from: Mailbox;
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  /** Are sent it, and are in no header of it. */
  readonly bcc: readonly Mailbox[];
  readonly subject: string | null;
  /** With both, a reader shows the one it prefers (multipart/alternative, RFC 2046 section 5.1.4). */
  readonly text: string | null;
  readonly html: string | null;
  /** With its angle brackets, as all of them. */
  readonly messageId: string;
  /** What it answers, and all that led there, oldest first (RFC 5322 section 3.6.4). */
  readonly inReplyTo: string | null;
  readonly references: readonly string[];
  readonly date: string;
};

export type Delivery =
  /** `refused`: the recipients that the server did not take while it took others. */
  | { readonly outcome: 'sent'; readonly response: string; readonly refused: readonly string[] }
  /** `unknown`: the letter was on its way when the server was heard last. */
  | { readonly outcome: 'not_sent' | 'unknown'; readonly error: string };

export type MailServer = {
  readonly host: string;
  /** Tries once. Never throws: how it ended is the answer. */
  readonly send: (letter: Letter) => Promise<Delivery>;
};

/** A server that says nothing more is given up; what is done about an `unknown` is a person's to say, so nothing waits for ten minutes. */
const SILENCE_MS = 60_000;
const CONNECT_MS = 20_000;

/**
 * @param url smtp://user:password@host:port or smtps://…; after a question mark, whatever options nodemailer takes there
 *   (`requireTLS`, `name`, `tls.rejectUnauthorized`, …). A password is told only to a server that speaks TLS, unless
 *   `requireTLS=false`.
 * @param longestTryMs of all of one try
 */
export function mailServer(url: string, longestTryMs: number): MailServer {
  const { auth, ...given } = parseConnectionUrl(url);
  const options = {
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    requireTLS: auth !== undefined,
    ...given,
  };
  return {
    host: options.host ?? '',
    send: async (letter) => {
      let isOnItsWay = false;
      try {
        const message = await composed(letter);
        const envelope = {
          from: letter.from.address,
          to: [...letter.to, ...letter.cc, ...letter.bcc].map(({ address }) => address),
          size: message.byteLength,
        };
        // It is read once the server has said that it wants it.
        const source = new Readable({
          read() {
            isOnItsWay = true;
            this.push(message);
            this.push(null);
          },
        });
        const { response, rejected } = await talk(new SMTPConnection(options), auth, envelope, source, longestTryMs);
        return { outcome: 'sent', response: inOneLine(response), refused: rejected };
      } catch (error) {
        const isRefusal = error instanceof Error && 'responseCode' in error && Number(error.responseCode) >= 400;
        return {
          outcome: isOnItsWay && !isRefusal ? 'unknown' : 'not_sent',
          error: inOneLine(error instanceof Error ? error.message : String(error)),
        };
      }
    },
  };
}

const LONGEST_ANSWER = 2_000;
/** What a server says can be anything; this can be kept. */
const inOneLine = (said: string) =>
  said
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, LONGEST_ANSWER)
    .toWellFormed()
    .trim();

const composed = ({ from, to, cc, bcc, subject, text, html, messageId, inReplyTo, references, date }: Letter): Promise<Buffer> =>
  new MailComposer({
    from: named(from),
    to: to.map(named),
    cc: cc.map(named),
    bcc: bcc.map(named),
    messageId,
    date: new Date(date),
    ...(subject !== null && { subject }),
    ...(inReplyTo !== null && { inReplyTo, references: [...references] }),
    ...((text !== null || html === null) && { text: text ?? '' }),
    ...(html !== null && { html }),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();

const named = ({ name, address }: Mailbox) => ({ name: name ?? '', address });

type Auth = ReturnType<typeof parseConnectionUrl>['auth'];
type Envelope = Parameters<SMTPConnection['send']>[0];

async function talk(
  connection: SMTPConnection,
  auth: Auth,
  envelope: Envelope,
  message: Readable,
  longestMs: number,
): Promise<SentMessageInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<SentMessageInfo>();
  const timer = setTimeout(() => reject(new Error('The mail server took too long.')), longestMs);
  const unless = (go: () => void) => (error: Error | null | undefined) => (error ? reject(error) : go());
  connection.on('error', reject);
  const send = () => connection.send(envelope, message, (error, info) => (error || !info ? reject(error) : resolve(info)));
  connection.connect(unless(() => (auth ? connection.login(auth, unless(send)) : send())));
  try {
    const info = await promise;
    connection.quit();
    return info;
  } catch (error) {
    connection.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

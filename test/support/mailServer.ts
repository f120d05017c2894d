// A mail server on loopback that keeps what it is sent, and can be told to stop anywhere in a conversation.
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export type Delivered = { readonly from: string; readonly to: readonly string[]; readonly message: string };

export type TestMailServer = {
  readonly url: string;
  /** What was taken for delivery: the server has it from the end of its data on, whether the sender hears of that or not. */
  readonly delivered: readonly Delivered[];
  readonly close: () => Promise<void>;
};

/** @param at called at these places in a conversation, and waited for; what it throws is the server's refusal */
export async function startMailServer(
  at: Partial<Record<'mailFrom' | 'recipient' | 'data' | 'taken', (about: string) => Promise<void> | void>> = {},
  options: SMTPServerOptions = {},
): Promise<TestMailServer> {
  const delivered: Delivered[] = [];
  const then = (work: Promise<void> | void, callback: (error?: Error | null) => void) =>
    Promise.resolve(work).then(
      () => callback(),
      (error: Error) => callback(error),
    );
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onMailFrom: ({ address }, _, callback) => void then((async () => at.mailFrom?.(address))(), callback),
    onRcptTo: ({ address }, _, callback) => void then((async () => at.recipient?.(address))(), callback),
    onData: (stream, { envelope }, callback) => {
      const work = async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of stream) {
          if (chunks.length === 0) await at.data?.('');
          chunks.push(chunk);
        }
        const message = Buffer.concat(chunks).toString();
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        await at.taken?.(message);
        delivered.push({ from, to: envelope.rcptTo.map(({ address }) => address), message });
      };
      void then(work(), callback);
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `smtp://127.0.0.1:${port}`,
    delivered,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The headers of a message, unfolded, by their names in lower case. */
export const headersOf = (message: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (message.split('\r\n\r\n')[0] ?? '')
      .replaceAll(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );

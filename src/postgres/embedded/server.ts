// Lets PGlite be reached as any Postgres is, over a Unix socket. PGlite is one session, so a client has it alone from its
// first message to its last: the next one waits, a little, and then is told why it cannot come in. What a client leaves
// behind (a transaction, settings, prepared statements) is gone before the next begins.
import { createServer, type Server, type Socket } from 'node:net';
import type { Database } from './database.ts';
import { fatal, Incoming, REFUSE_ENCRYPTION, SYNC } from './protocol.ts';
import { Upkeep } from './upkeep.ts';

const TURN_TIMEOUT_MS = 5_000;
const TOO_MANY_CONNECTIONS = '53300';
const ADMIN_SHUTDOWN = '57P01';

// Upkeep waits for a moment in which nobody asks for anything, but not for ever.
const IDLE_MS = 50;
const UPKEEP_AT_LATEST_MS = 2_000;

type Session = { readonly socket: Socket; readonly incoming: Incoming; readonly startup: Buffer };

export class PostgresServer {
  readonly #database: Database;
  readonly #upkeep: Upkeep;
  readonly #server: Server;
  readonly #fail: (error: unknown) => void;
  readonly #turnTimeoutMs: number;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: Session[] = [];
  #current: Session | undefined;
  /** Whether a simple query of ours would disturb nothing of the client's. */
  #isAtRest = true;
  #isClosing = false;
  #pumping: Promise<void> | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #upkeepDueSince: number | undefined;

  /** `fail` is told of what should not happen: an error of the database that is no answer to a client. */
  constructor(database: Database, fail: (error: unknown) => void, turnTimeoutMs = TURN_TIMEOUT_MS) {
    this.#turnTimeoutMs = turnTimeoutMs;
    this.#database = database;
    this.#upkeep = new Upkeep(database);
    this.#fail = fail;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  listen(path: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(path, resolve);
    return promise;
  }

  /** Ends all connections, the present one after the exchange that it is in. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#server.close();
    clearTimeout(this.#idleTimer);
    await this.#pumping;
    for (const socket of this.#sockets) {
      socket.end(fatal(ADMIN_SHUTDOWN, 'the embedded Postgres is stopping'));
      socket.destroySoon();
    }
  }

  #accept(socket: Socket): void {
    const incoming = new Incoming();
    let session: Session | undefined;
    this.#sockets.add(socket);
    socket.on('data', (chunk) => {
      if (typeof chunk === 'string') return;
      incoming.push(chunk);
      session ??= this.#open(socket, incoming);
      if (session && session === this.#current) this.#pump();
    });
    // A client that goes away without a word is as good as one that says goodbye; 'close' comes in either case.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#pump();
    });
  }

  #open(socket: Socket, incoming: Incoming): Session | undefined {
    for (let opening = incoming.takeOpening(); opening; opening = incoming.takeOpening()) {
      if (opening.is === 'encryption') {
        socket.write(REFUSE_ENCRYPTION);
      } else if (opening.is === 'startup') {
        const session = { socket, incoming, startup: opening.packet };
        this.#waiting.push(session);
        this.#refuseAfterAWhile(session);
        this.#pump();
        return session;
      } else {
        // PGlite runs in the thread that would read the request to cancel: there is never anything to cancel.
        socket.destroy();
        return undefined;
      }
    }
    return undefined;
  }

  #refuseAfterAWhile(session: Session): void {
    const refuse = () => {
      const place = this.#waiting.indexOf(session);
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      session.socket.end(fatal(TOO_MANY_CONNECTIONS, 'the embedded Postgres serves one connection at a time, and another one has it'));
    };
    setTimeout(refuse, this.#turnTimeoutMs).unref();
  }

  /** Does all there is to do, one thing after the other, unless that is going on already. */
  #pump(): void {
    this.#pumping ??= this.#work()
      .catch(this.#fail)
      .finally(() => {
        this.#pumping = undefined;
      });
  }

  async #work(): Promise<void> {
    while (!this.#isClosing) {
      if (this.#isAtRest) await this.#keepUp();
      const session = this.#current ?? (await this.#admitNext());
      if (!session) return;
      const exchange = session.incoming.takeExchange();
      if (exchange && exchange.endedBy !== 'Terminate') {
        await this.#database.exchange(exchange.messages, (answer) => session.socket.write(answer));
        this.#isAtRest = exchange.endedBy !== 'Flush' && !this.#database.isInTransaction();
        this.#upkeep.note(exchange.messages);
      } else if (exchange || session.socket.closed) {
        await this.#end(session);
      } else {
        return;
      }
    }
  }

  async #admitNext(): Promise<Session | undefined> {
    const session = this.#waiting.shift();
    this.#current = session;
    if (session) await this.#database.exchange(session.startup, (answer) => session.socket.write(answer));
    return session;
  }

  async #end(session: Session): Promise<void> {
    session.socket.end();
    // A client may have gone in the middle of an extended query, which Sync ends.
    await this.#database.exchange(SYNC, () => {});
    if (this.#database.isInTransaction()) await this.#database.rows('ROLLBACK');
    await this.#database.rows('DISCARD ALL');
    this.#isAtRest = true;
    this.#current = undefined;
  }

  async #keepUp(): Promise<void> {
    clearTimeout(this.#idleTimer);
    if (!this.#upkeep.isDue) return;
    const now = performance.now();
    this.#upkeepDueSince ??= now;
    if (now - this.#upkeepDueSince > UPKEEP_AT_LATEST_MS) {
      await this.#upkeep.run();
      this.#upkeepDueSince = undefined;
    } else {
      this.#idleTimer = setTimeout(() => {
        this.#upkeepDueSince = Number.NEGATIVE_INFINITY;
        this.#pump();
      }, IDLE_MS);
    }
  }
}

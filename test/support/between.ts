// What stands between Daybook and a store: connections that a test cuts, holds up, or lets nothing come back on.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Between = {
  readonly port: number | undefined;
  readonly cut: () => void;
  /** Cuts all as soon as so many pieces have come, from whichever side: before the last of them goes on, or right after. */
  readonly cutAfter: (pieces: number, isPassedOn: boolean) => Promise<void>;
  /** Who connects from now on waits until `goOn`, as they do at a port of a server that is just opening. */
  readonly hold: () => void;
  readonly goOn: () => void;
  /** What the store answers is lost, and the connection with it a moment later. */
  readonly loseAnswers: (isLosing: boolean) => void;
  readonly close: () => void;
};

/**
 * @param target where the store is now; it may be elsewhere after each of its starts
 * @param path of a Unix socket to listen at, instead of any free port
 */
export async function standBetween(target: () => NetConnectOpts, path?: string): Promise<Between> {
  const sockets = new Set<Socket>();
  let held = Promise.resolve();
  let goOn = () => {};
  let isLosing = false;
  let trap: { pieces: number; readonly isPassedOn: boolean; readonly struck: () => void } | undefined;

  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const pass = (bytes: Buffer | string, to: Socket) => {
    if (trap) trap.pieces -= 1;
    if (trap?.pieces !== 0) {
      to.write(bytes);
      return;
    }
    if (trap.isPassedOn) to.write(bytes, () => setImmediate(cut));
    else cut();
    trap.struck();
    trap = undefined;
  };
  const server = createServer(async (near) => {
    sockets.add(near);
    near.on('error', () => {}).on('close', () => sockets.delete(near));
    await held;
    const far = connect(target());
    sockets.add(far);
    far
      .on('error', () => near.destroy())
      .on('close', () => {
        sockets.delete(far);
        near.destroy();
      });
    near.on('close', () => far.destroy());
    near.on('data', (bytes) => pass(bytes, far));
    far.on('data', (bytes) => {
      if (isLosing) setTimeout(() => near.destroy(), 100);
      else pass(bytes, near);
    });
  });
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  const address = server.address();

  return {
    port: typeof address === 'object' ? address?.port : undefined,
    cut,
    cutAfter: (pieces, isPassedOn) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      trap = { pieces, isPassedOn, struck: resolve };
      return promise;
    },
    hold: () => {
      held = new Promise((resolve) => {
        goOn = resolve;
      });
    },
    goOn: () => goOn(),
    loseAnswers: (losing) => {
      isLosing = losing;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}

/** Before a Postgres of either kind, of which the embedded one listens at a socket in a folder; `url` is the way by this. */
export async function standBeforePostgres(url: string): Promise<Between & { readonly url: string }> {
  const { hostname, port } = new URL(url);
  if (port !== '') {
    const between = await standBetween(() => ({ host: hostname, port: Number(port) }));
    return { ...between, url: url.replace(`${hostname}:${port}`, `127.0.0.1:${between.port}`) };
  }
  const socketIn = (directory: string) => join(directory, '.s.PGSQL.5432');
  // A path to a socket may not be long.
  const sockets = mkdtempSync(join(tmpdir().length > 70 ? '/tmp' : tmpdir(), 'daybook-'));
  const between = await standBetween(() => ({ path: socketIn(decodeURIComponent(hostname)) }), socketIn(sockets));
  return {
    ...between,
    url: url.replace(hostname, encodeURIComponent(sockets)),
    close: () => {
      between.close();
      rmSync(sockets, { recursive: true, force: true });
    },
  };
}

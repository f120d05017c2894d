// The gRPC server in front of the log, on the loopback interface alone: it knows no users and no encryption.
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { appendHandler, batchAppendHandler, batchAppendMethod, deleteHandler, tombstoneHandler } from './appendService.ts';
import type { EventLog } from './log.ts';
import { addOtherServices } from './otherServices.ts';
import { readHandler, readMethod } from './readService.ts';

export const host = '127.0.0.1';

/**
 * The largest message that is read at all. It is far above what may be appended, for a larger one ends its whole call, and
 * with it every other append that waits on the same call.
 */
const maximumMessageSize = 32 * 1024 * 1024;

export type LogServer = { port: number; close(): Promise<void> };

/** Serves the log on a port of the loopback interface (0: any free one). Rejects with one sentence when the port is taken. */
export async function serveLog(log: EventLog, port: number): Promise<LogServer> {
  const server = new Server({ 'grpc.max_receive_message_length': maximumMessageSize, 'grpc.max_send_message_length': -1 });
  const { append, delete: deleteMethod, tombstone } = streamsGrpc.StreamsService;
  server.addService(
    { read: readMethod, append, batchAppend: batchAppendMethod, delete: deleteMethod, tombstone },
    {
      read: readHandler(log),
      append: appendHandler(log),
      batchAppend: batchAppendHandler(log),
      delete: deleteHandler(log),
      tombstone: tombstoneHandler(log),
    },
  );
  addOtherServices(server);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, actual) => {
      if (error) reject(new Error(`Port ${port} on ${host} is not free for the event log`));
      else resolve(actual);
    });
  });
  return {
    port: bound,
    async close() {
      log.writer.finish();
      server.forceShutdown();
    },
  };
}

// The server in front of the log, on the loopback interface alone: it knows no users and no encryption.
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { append, batchAppend, deleteStream, tombstone } from './appendService.ts';
import { type GrpcServer, serveGrpc } from './grpc.ts';
import type { EventLog } from './log.ts';
import { otherServices } from './otherServices.ts';
import { read } from './readService.ts';

const host = '127.0.0.1';

/** Serves the log on a port of the loopback interface (0: any free one). Rejects with one sentence when the port is taken. */
export async function serveLog(log: EventLog, port: number): Promise<GrpcServer> {
  const streams = streamsGrpc.StreamsService;
  const methods = otherServices()
    .set(streams.read.path, read(log))
    .set(streams.append.path, append(log))
    .set(streams.batchAppend.path, batchAppend(log))
    .set(streams.delete.path, deleteStream(log))
    .set(streams.tombstone.path, tombstone(log));
  try {
    const server = await serveGrpc(host, port, methods);
    return {
      port: server.port,
      async close() {
        log.writer.finish(); // its callers are still there to be answered
        await server.close();
      },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The event log cannot listen on port ${port} of ${host}: ${reason}`);
  }
}

// The services beside Streams: which calls there are, which is what makes the client use the batch append; and a plain answer
// to every call of a real server that the embedded log does not have.

import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import monitoringGrpc from '@eventstore/db-client/generated/monitoring_grpc_pb.js';
import operationsGrpc from '@eventstore/db-client/generated/operations_grpc_pb.js';
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import projectionsGrpc from '@eventstore/db-client/generated/projections_grpc_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import usersGrpc from '@eventstore/db-client/generated/users_grpc_pb.js';
import { type Server, type ServiceDefinition, type sendUnaryData, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { failure } from './failures.ts';

/** The version of the server whose behaviour the embedded log has. */
const serverVersion = '24.6.0';

const methodFeatures: Record<string, string[]> = { read: ['position', 'events'], batchappend: ['deadline_duration'] };

function supportedMethods(): SupportedMethods {
  const supported = new features.SupportedMethods().setEventStoreServerVersion(serverVersion);
  for (const { path } of [...Object.values(streamsGrpc.StreamsService), featuresGrpc.ServerFeaturesService.getSupportedMethods]) {
    const [service = '', method = ''] = path.toLowerCase().slice(1).split('/');
    supported.addMethods(
      new features.SupportedMethod()
        .setServiceName(service)
        .setMethodName(method)
        .setFeaturesList(methodFeatures[method] ?? []),
    );
  }
  return supported;
}

const missing: Record<string, ServiceDefinition> = {
  'persistent subscriptions': persistentGrpc.PersistentSubscriptionsService,
  'projections of the server': projectionsGrpc.ProjectionsService,
  users: usersGrpc.UsersService,
  'gossip of a cluster': gossipGrpc.GossipService,
  'operations of a node': operationsGrpc.OperationsService,
  'monitoring of a node': monitoringGrpc.MonitoringService,
};

export function addOtherServices(server: Server): void {
  server.addService(featuresGrpc.ServerFeaturesService, {
    getSupportedMethods: (_call: unknown, answer: sendUnaryData<SupportedMethods>) => answer(null, supportedMethods()),
  });
  for (const [name, definition] of Object.entries(missing)) {
    const error = failure(
      status.UNIMPLEMENTED,
      `The embedded event log has no ${name}: run EventStoreDB or KurrentDB and set EVENTSTORE_URL to use them`,
    );
    const handlers: UntypedServiceImplementation = {};
    for (const [method, { responseStream }] of Object.entries(definition)) {
      handlers[method] = responseStream
        ? (call: NodeJS.EventEmitter) => void call.emit('error', error)
        : (_call: unknown, answer: sendUnaryData<unknown>) => answer(error);
    }
    server.addService(definition, handlers);
  }
}

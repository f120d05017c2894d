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
import { type ServiceDefinition, status } from '@grpc/grpc-js';
import { Failure } from './failures.ts';
import { type Method, realServer, unary } from './grpc.ts';

/** The version of the server whose behaviour the embedded log has. */
const serverVersion = '24.6.0';

const missing: Record<string, ServiceDefinition> = {
  'persistent subscriptions': persistentGrpc.PersistentSubscriptionsService,
  'projections of the server': projectionsGrpc.ProjectionsService,
  users: usersGrpc.UsersService,
  'gossip of a cluster': gossipGrpc.GossipService,
  'operations of a node': operationsGrpc.OperationsService,
  'monitoring of a node': monitoringGrpc.MonitoringService,
};

/** What the real server says of its calls (`ServerFeatures.cs`). */
function featuresOf(service: string, method: string): string[] {
  if (service.endsWith('.persistentsubscriptions')) return ['stream', 'all'];
  if (service.endsWith('.projections') && method === 'create') return ['track_emitted_streams'];
  if (service.endsWith('.streams') && method === 'read') return ['position', 'events'];
  return method === 'batchappend' ? ['deadline_duration'] : [];
}

/**
 * The calls that a client may make. Those that answer with what to run instead are among them: the client makes a request in
 * HTTP/1.1 of a call that it does not find here, or says that the server is too old for it.
 */
function supportedMethods(): SupportedMethods {
  const supported = new features.SupportedMethods().setEventStoreServerVersion(serverVersion);
  const services = [streamsGrpc.StreamsService, featuresGrpc.ServerFeaturesService, ...Object.values(missing)];
  for (const { path } of services.flatMap((service: ServiceDefinition) => Object.values(service))) {
    const [service = '', method = ''] = path.toLowerCase().slice(1).split('/');
    supported.addMethods(
      new features.SupportedMethod().setServiceName(service).setMethodName(method).setFeaturesList(featuresOf(service, method)),
    );
  }
  return supported;
}

export function otherServices(): Map<string, Method> {
  const { getSupportedMethods } = featuresGrpc.ServerFeaturesService;
  const methods = new Map<string, Method>([[getSupportedMethods.path, unary(getSupportedMethods, async () => supportedMethods())]]);
  for (const [name, service] of Object.entries(missing)) {
    const sentence = `The embedded event log has no ${name}: ${realServer}`;
    for (const { path } of Object.values(service)) methods.set(path, (call) => call.fail(new Failure(status.UNIMPLEMENTED, sentence)));
  }
  return methods;
}

export type { GrpcApi, GrpcMethods, GrpcRequest, GrpcResponse } from "./grpc-api.ts";
export { GrpcClient, type GrpcClientOptions } from "./grpc-client.ts";
export { GrpcServer } from "./grpc-server.ts";
export { type GrpcCall, type GrpcHandlers, type GrpcService, grpcService } from "./grpc-service.ts";

export { type Api, type Methods, untyped } from "./api.ts";
export { errorCodeOf, RPC_CODE, rpcCodeOf } from "./rpc-status.ts";

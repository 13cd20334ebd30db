import { type NetlinkMessage, NLM_F_ACK } from "../message.ts";
import { decodeBody, getRequest, type NetlinkRequest, silentRequest } from "../request.ts";
import {
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFTABLES,
  NFT_MSG_GETGEN,
  NFT_MSG_NEWGEN,
} from "./message-types.ts";
import { batchBody, type Generation, generationBody } from "./wire.ts";

export interface BatchOptions {
  /** The generation that the batch was made for: when the rule set has moved on, nothing happens (ERESTART, "conflict"). */
  readonly generation?: number;
}

/**
 * All of these changes or none: the requests in order, in the frame that makes them one transaction. Give the result
 * to one NetlinkExchange, which must send it as one datagram. Without requests there is nothing to send.
 *
 * Every refused request is reported; success by one acknowledgement, of the last request, because hundreds of them
 * would overrun the socket's receive buffer.
 */
export function nftablesBatch(
  requests: readonly NetlinkRequest<unknown>[],
  options: BatchOptions = {},
): NetlinkRequest<unknown>[] {
  if (requests.length === 0) return [];
  const last = requests.length - 1;
  const framed = requests.map((request, index) =>
    index === last ? request : { ...request, flags: request.flags & ~NLM_F_ACK },
  );
  const header = { resource: NFNL_SUBSYS_NFTABLES };
  const begin = silentRequest({
    operation: "commit nftables batch",
    object: "",
    type: NFNL_MSG_BATCH_BEGIN,
    write: (to) => batchBody.write({ ...header, ...options }, to),
  });
  const end = silentRequest({
    operation: "end nftables batch",
    object: "",
    type: NFNL_MSG_BATCH_END,
    write: (to) => batchBody.write(header, to),
  });
  return [begin, ...framed, end];
}

/** The generation of the rule set now. */
export function getGeneration(): NetlinkRequest<Generation> {
  return getRequest({
    operation: "read nftables generation",
    object: "",
    type: NFT_MSG_GETGEN,
    write: (to) => generationBody.write({}, to),
    decode: decodeGeneration,
  });
}

/** Decodes an NFT_MSG_NEWGEN. Throws OrlopError("invalid"). */
export function decodeGeneration(message: NetlinkMessage): Generation {
  const { id, processId, processName } = decodeBody(message, [NFT_MSG_NEWGEN], generationBody);
  return {
    ...(id === undefined ? {} : { id }),
    ...(processId === undefined ? {} : { processId }),
    ...(processName === undefined ? {} : { processName }),
  };
}

import { OrlopError } from "@orlop/core";
import { Codec } from "@orlop/core/protobuf";

const UNIX = "unix://";

/** What is asked of a shim at its start. */
export interface ShimStart {
  readonly id: string;
  readonly namespace: string;
  /** Where containerd's own API would be: shims tell their callers apart by it. */
  readonly address: string;
  /** Unix socket that events go to. */
  readonly eventsAddress: string;
  readonly publishBinary: string;
}

/** How a shim is spoken to from its start on. */
export interface ShimAddress {
  /** Of the task service. */
  readonly version: 2 | 3;
  /** Path of a unix socket; one in the abstract namespace begins with NUL. */
  readonly socket: string;
}

/** containerd, api/runtime/bootstrap/v1, since 2.3. */
const BOOTSTRAP = new Codec({
  Params: {
    instanceId: [1, "string"],
    namespace: [2, "string"],
    logLevel: [3, "int32"],
    containerdVersion: [4, "string"],
    containerdTtrpcAddress: [5, "string"],
    containerdGrpcAddress: [6, "string"],
    containerdBinary: [7, "string"],
  },
  Result: { version: [1, "int32"], address: [2, "string"], protocol: [3, "string"], metadata: [5, "map"] },
} as const);

/** The standard input of a shim that takes its parameters there. */
export function bootstrapParams(start: ShimStart): Buffer {
  return BOOTSTRAP.encode("Params", {
    instanceId: start.id,
    namespace: start.namespace,
    containerdTtrpcAddress: start.eventsAddress,
    containerdGrpcAddress: start.address,
    containerdBinary: start.publishBinary,
  });
}

/** What a shim is asked on its standard input; the addresses are paths. Throws `invalid`. */
export function readBootstrapParams(bytes: Uint8Array): ShimStart {
  const { instanceId, namespace, containerdGrpcAddress, containerdTtrpcAddress, containerdBinary } = BOOTSTRAP.decode(
    "Params",
    bytes,
  );
  const path = (address: string): string => (address.startsWith(UNIX) ? address.slice(UNIX.length) : address);
  return {
    id: instanceId,
    namespace,
    address: path(containerdGrpcAddress),
    eventsAddress: path(containerdTtrpcAddress),
    publishBinary: containerdBinary,
  };
}

/** The answer to that, of a shim that speaks version 3 of the task service. */
export function bootstrapResult(address: string): Buffer {
  return BOOTSTRAP.encode("Result", { version: 3, address, protocol: "ttrpc" });
}

/** Words of a shim that wants its parameters on its standard input, and got none. */
export const WANTS_BOOTSTRAP_PARAMS: RegExp = /bootstrap|deprecated API/i;

interface Answer {
  readonly version: number;
  readonly address: string;
  readonly protocol: string;
}

/**
 * Reads what a shim wrote to its standard output when it had started: a BootstrapResult, JSON, or its address alone.
 *
 * Throws `unsupported` for a protocol that is not spoken here.
 */
export function readStartAnswer(shim: string, output: Uint8Array): ShimAddress {
  const text = Buffer.from(output).toString("utf8").trim();
  const { version, address, protocol } = decodeResult(output) ??
    decodeJson(text) ?? {
      version: 2,
      address: text,
      protocol: "ttrpc",
    };
  const refuse = (problem: string): never => {
    throw new OrlopError("unsupported", `Cannot speak to shim "${shim}": ${problem}`);
  };
  if (protocol.toLowerCase() !== "ttrpc") refuse(`it speaks ${protocol || "no protocol"}, not ttrpc`);
  if (version !== 2 && version !== 3) return refuse(`it speaks version ${version}, not 2 or 3`);
  return { version, socket: socketPath(address) ?? refuse(`its address "${address}" is no unix socket`) };
}

function decodeResult(output: Uint8Array): Answer | undefined {
  try {
    const result = BOOTSTRAP.decode("Result", output);
    return result.address === "" ? undefined : result;
  } catch {
    return undefined;
  }
}

function decodeJson(text: string): Answer | undefined {
  try {
    const { version, address, protocol } = JSON.parse(text) as Partial<Answer>;
    if (typeof version !== "number" || typeof address !== "string" || typeof protocol !== "string") return undefined;
    return { version, address, protocol };
  } catch {
    return undefined;
  }
}

function socketPath(address: string): string | undefined {
  if (address.startsWith(UNIX)) return address.slice(UNIX.length);
  if (address === "" || address.includes("://")) return undefined;
  // Before containerd 1.4 an address without a scheme was one of the abstract namespace.
  return address.startsWith("/") && !address.startsWith("/containerd-shim/") ? address : `\0${address}`;
}

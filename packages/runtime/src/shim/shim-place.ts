import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { join, normalize } from "node:path";
import { OrlopError } from "@orlop/core";
import { ownsMachine, randomBytes, socketPathProblem } from "@orlop/kernel";

/** Which containers: those of a namespace of one containerd. */
export interface ShimGroup {
  readonly namespace: string;
  /** Of containerd's main socket. */
  readonly address: string;
}

/** Where what belongs to a group is kept, in memory. */
export interface ShimPlace {
  readonly directory: string;
  /** State of the containers, whoever serves them. */
  readonly containers: string;
  /** Who serves the group's new containers: see {@link ServerRecord}. */
  readonly server: string;
  /** Held by who is about to start a server. */
  readonly starting: string;
  /** A file for each container that somebody has been sent to the server for. */
  readonly claims: string;
  /** Of programs that take outputs, for as long as these run. */
  readonly logs: string;
  /** Sockets of all groups' servers: their paths are bounded. */
  readonly sockets: string;
}

/**
 * Where a group is at home. The path tells the group, so that `bin/containerd-shim-orlop-v1` can find it without Node.
 *
 * @throws OrlopError `invalid` for a group that makes no path, `unsupported` for a user without a directory in memory
 */
export function shimPlace(
  { namespace, address }: ShimGroup,
  env: Readonly<Record<string, string | undefined>>,
  isMachineRoot: boolean = ownsMachine(),
): ShimPlace {
  if (!/^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$/.test(namespace)) {
    throw new OrlopError("invalid", `Cannot use namespace "${namespace}": it is no name that containerd would take`);
  }
  if (!address.startsWith("/") || normalize(address) !== address || address.endsWith("/")) {
    throw new OrlopError("invalid", `Cannot use address "${address}": it is no absolute path of a socket`);
  }
  const root = shimRoot(env, isMachineRoot);
  const directory = `${join(root, "groups")}${address}@${namespace}`;
  return {
    directory,
    containers: join(directory, "containers"),
    server: join(directory, "server"),
    starting: join(directory, "starting"),
    claims: join(directory, "claims"),
    logs: join(directory, "logs"),
    sockets: join(root, "sockets"),
  };
}

function shimRoot(env: Readonly<Record<string, string | undefined>>, isMachineRoot: boolean): string {
  if (isMachineRoot) return "/run/orlop/shim";
  const { XDG_RUNTIME_DIR } = env;
  if (XDG_RUNTIME_DIR?.startsWith("/")) return join(XDG_RUNTIME_DIR, "orlop", "shim");
  throw new OrlopError(
    "unsupported",
    "Cannot keep state of containers: this user has no directory in memory\nTry setting XDG_RUNTIME_DIR.",
  );
}

/**
 * Makes the directories. Who can exchange one of them may answer in our place.
 *
 * @throws OrlopError `denied` where one is not the user's alone
 */
export function makeShimPlace({ directory, claims, containers, logs, sockets }: ShimPlace): void {
  const root = join(sockets, "..");
  mkdirSync(join(root, ".."), { recursive: true, mode: 0o711 });
  mkdirSync(root, { recursive: true, mode: 0o700 });
  for (const path of [join(root, ".."), root]) expectOwn(path);
  chmodSync(root, 0o700);
  // Below it nobody else comes.
  for (const path of [directory, claims, containers, logs, sockets]) mkdirSync(path, { recursive: true, mode: 0o700 });
}

function expectOwn(path: string): void {
  const stat = lstatSync(path);
  if (stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0) return;
  throw new OrlopError("denied", `Cannot use directory "${path}": others may change it`);
}

const NAME_BYTES = 8;

/** A path for a server's socket that nobody else has. */
export function newSocketPath({ sockets }: ShimPlace): string {
  const path = join(sockets, randomBytes(NAME_BYTES).toString("hex"));
  const problem = socketPathProblem(path);
  if (problem === undefined) return path;
  throw new OrlopError("unsupported", `Cannot listen at "${path}": ${problem}`);
}

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { errnoName, errnoWords, randomBytes, type Zygote } from "@orlop/kernel";
import { isHostAllowed, type PlacedSecret, SecretProxy } from "@orlop/network/secrets";
import type { MachineView } from "../../run/machine-view.ts";
import { OwnDirectory } from "../../run/own-directory.ts";
import type { RunOptions } from "../../run/run-options.ts";
import { stateDirectory } from "../../run/state-directory.ts";
import type { SandboxNetwork } from "../network/sandbox-network.ts";
import type { NamespaceFile } from "../ports/emit-enter.ts";
import { holdNamespaces } from "../ports/hold-namespaces.ts";
import type { Isolation, SandboxOptions } from "../sandbox-options.ts";
import { outletProgram } from "./outlet-program.ts";
import { type ReadSecret, readSecrets } from "./read-secrets.ts";
import { TRUST_DIRECTORY, writeTrustFiles } from "./trust-files.ts";

/** A sandbox in which nothing runs yet. */
interface ServedSandbox {
  /** Of its init. */
  readonly pid: number;
  readonly rootless: boolean;
  readonly isolation: Isolation;
  readonly stateDirectory: string;
  readonly network: SandboxNetwork | undefined;
  readonly zygote: Pick<Zygote, "submit">;
}

/** What is done for the secrets of one sandbox: before it is made, and once it is. */
export interface SandboxSecrets {
  /** The options of a sandbox that has placeholders, and finds and trusts who puts secrets in their place. */
  giveTo(run: RunOptions): RunOptions;
  /**
   * Takes what the sandbox sends to the servers of its secrets, until the stack is disposed of.
   *
   * @throws OrlopError `unsupported` for a sandbox that has a network stack of its own
   */
  serve(sandbox: ServedSandbox, stack: AsyncDisposableStack): Promise<void>;
}

const PLACEHOLDER_BYTES = 16;
const LOOPBACK = "127.0.0.1";
const ACTION = "put secrets into requests of sandbox";

/** @param stack gives back what the sandbox is given, when that is gone @throws OrlopError as {@link readSecrets} */
export function openSandboxSecrets(
  options: Pick<SandboxOptions, "secrets" | "network" | "env">,
  machine: MachineView,
  stack: AsyncDisposableStack,
): SandboxSecrets {
  const secrets = readSecrets(options, machine).map((secret) => ({ ...secret, placeholder: newPlaceholder() }));
  let network: SandboxNetwork | undefined;
  const proxy = new SecretProxy({
    secrets: secrets.map(
      ({ value, placeholder, hosts, places }): PlacedSecret => ({ value, placeholder, hosts, places }),
    ),
    mayReach: (host) => network === undefined || isHostAllowed(network.policy, host),
  });
  const directory = stack.use(new OwnDirectory(stateDirectory(machine.uid, machine.env), "trust", 0o755));
  const trust = writeTrustFiles(directory.path, proxy.certificate);
  return {
    giveTo: (run) => withSecrets(run, secrets, { trust, directory: directory.path }),
    async serve(sandbox, until) {
      ({ network } = sandbox);
      network?.watch(() => proxy.recheck());
      await openOutlets(proxy, sandbox, until);
    },
  };
}

function newPlaceholder(): string {
  return `orlop-secret-${randomBytes(PLACEHOLDER_BYTES).toString("hex")}`;
}

interface Trust {
  readonly trust: RunOptions["variables"];
  readonly directory: string;
}

function withSecrets(
  run: RunOptions,
  secrets: readonly (ReadSecret & { readonly placeholder: string })[],
  { trust, directory }: Trust,
): RunOptions {
  const names = [...new Set(secrets.flatMap(({ hosts }) => hosts.map(({ name }) => name)))];
  const options = ["rbind", "rro", "rprivate", "nosuid", "nodev", "noexec"];
  const mount = { destination: TRUST_DIRECTORY, type: "bind", source: directory, options };
  const placeholders = secrets.map(({ name, placeholder }) => ({ name, value: placeholder }));
  return {
    ...run,
    // Whoever has set one of them to something else has a reason.
    variables: [...trust, ...run.variables, ...placeholders],
    mounts: [...run.mounts, { mount }],
    addedHosts: [...run.addedHosts, { address: LOOPBACK, names }],
  };
}

async function openOutlets(proxy: SecretProxy, sandbox: ServedSandbox, stack: AsyncDisposableStack): Promise<void> {
  const { isolation, stateDirectory: state, zygote } = sandbox;
  if (isolation !== "process") {
    const what = `what isolates it (${isolation}) has a network stack of its own`;
    throw new OrlopError("unsupported", `Cannot ${ACTION}: ${what}`);
  }
  const namespaces = holdNamespaces(ACTION, sandbox, stack);
  const directory = stack.use(new OwnDirectory(state, "secrets", 0o700));
  stack.use(proxy);
  const controlPath = await openControl(join(directory.path, "control"), stack);
  for (const port of proxy.ports) {
    const socketPath = join(directory.path, `${port}`);
    await proxy.listen(port, socketPath);
    await startOutlet(zygote, { namespaces, port, socketPath, controlPath });
  }
}

/** What outlets are connected with as long as they are wanted. */
async function openControl(path: string, stack: AsyncDisposableStack): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => {}))).listen({ path });
  stack.defer(async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  await once(server, "listening");
  return path;
}

interface OutletPlace {
  readonly namespaces: readonly NamespaceFile[];
  readonly port: number;
  readonly socketPath: string;
  readonly controlPath: string;
}

/** Resolves when it listens. */
async function startOutlet(zygote: Pick<Zygote, "submit">, place: OutletPlace): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (what: string): void =>
    reject(new OrlopError("failed", `Cannot ${ACTION}: no listening at port ${place.port} of its loopback: ${what}`));
  zygote.submit(outletProgram(place), ({ kind, value }) => {
    if (kind === "failed" || kind === "unstarted") fail(errnoWords(errnoName(value)));
    if (kind === "started") resolve();
    if (kind === "ended") fail("the program that does was killed");
  });
  await promise;
}

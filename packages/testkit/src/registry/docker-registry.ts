import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { patience } from "../patience.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../temporary-directory.ts";

const PROGRAM = "/usr/bin/docker-registry";
const startTimeMaxMs = patience(10_000);

/** Why there can be no registry here, or undefined when there can. For `t.skip`. */
export function dockerRegistryObstacle(): string | undefined {
  try {
    accessSync(PROGRAM, constants.X_OK);
    return undefined;
  } catch {
    return "needs docker-registry (apt-get install docker-registry)";
  }
}

export interface DockerRegistryOptions {
  /** A line of htpasswd with a hash of bcrypt: without it nobody gets in. */
  readonly htpasswd?: string;
  /** PEM; the port speaks TLS then, and HTTP/2. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa?: string };
  /** The section `auth.token` of its configuration. */
  readonly token?: Readonly<Record<string, string>>;
  /** PEM: who may sign tokens. */
  readonly tokenRoots?: string;
  /** A registry that this one is a cache of: it takes no pushes. */
  readonly proxyOf?: string;
}

/** Docker's registry (Debian's `docker-registry`) on a free port of the loopback address, until it is disposed of. */
export class DockerRegistry implements AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Its files; blobs are below `docker/registry/v2`. */
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #temporary: TemporaryDirectory;

  private constructor(host: string, temporary: TemporaryDirectory, child: ChildProcess) {
    this.host = host;
    this.directory = join(temporary.path, "storage");
    this.#temporary = temporary;
    this.#child = child;
  }

  /** Resolves once it listens. */
  static async start(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
    const temporary = temporaryDirectory("orlop-registry-");
    try {
      const child = spawn(PROGRAM, ["serve", writeConfiguration(temporary.path, options)], {
        stdio: ["ignore", "ignore", "pipe"],
        env: { PATH: process.env.PATH, HOME: temporary.path, OTEL_TRACES_EXPORTER: "none" },
      });
      try {
        return new DockerRegistry(`127.0.0.1:${await listeningPort(child)}`, temporary, child);
      } catch (error) {
        await end(child);
        throw error;
      }
    } catch (error) {
      temporary[Symbol.dispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
    this.#temporary[Symbol.dispose]();
  }
}

/** JSON is YAML. */
function writeConfiguration(
  directory: string,
  { htpasswd, tls, token, tokenRoots, proxyOf }: DockerRegistryOptions,
): string {
  const storage = join(directory, "storage");
  mkdirSync(storage);
  const file = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const auth = {
    ...(htpasswd === undefined ? {} : { htpasswd: { realm: "test", path: file("htpasswd", htpasswd) } }),
    ...(token === undefined
      ? {}
      : {
          token: {
            ...token,
            ...(tokenRoots === undefined ? {} : { rootcertbundle: file("token-roots.pem", tokenRoots) }),
          },
        }),
  };
  const configuration = {
    version: "0.1",
    log: { level: "info", formatter: "json", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: {
      addr: "127.0.0.1:0",
      ...(tls === undefined ? {} : { tls: tlsSection(tls, file) }),
    },
    ...(Object.keys(auth).length === 0 ? {} : { auth }),
    ...(proxyOf === undefined ? {} : { proxy: { remoteurl: proxyOf } }),
  };
  return file("configuration.yml", JSON.stringify(configuration));
}

function tlsSection(
  { certificate, key, clientCa }: NonNullable<DockerRegistryOptions["tls"]>,
  file: (name: string, content: string) => string,
): object {
  return {
    certificate: file("certificate.pem", certificate),
    key: file("key.pem", key),
    ...(clientCa === undefined ? {} : { clientcas: [file("client-ca.pem", clientCa)] }),
  };
}

/** It says on its log where it listens: `listening on 127.0.0.1:43210`. */
async function listeningPort(child: ChildProcess): Promise<string> {
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += log.length < 65_536 ? text : "";
  });
  let ended = false;
  child.once("exit", () => {
    ended = true;
  });
  child.once("error", (error) => {
    ended = true;
    log += error.message;
  });
  const deadline = performance.now() + startTimeMaxMs;
  while (!ended && performance.now() < deadline) {
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
    if (port !== undefined) return port;
    await sleep(5);
  }
  throw new OrlopError("failed", `Cannot start docker-registry: ${log.slice(-2000)}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

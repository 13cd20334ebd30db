import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface DockerOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/** Docker's own client in front of a server that gives prepared answers: what it prints is what ours is held against. */
export class DockerClient implements AsyncDisposable {
  readonly #directory: string;
  readonly #server: Server;

  private constructor(directory: string, server: Server) {
    this.#directory = directory;
    this.#server = server;
  }

  /**
   * @param answers by the end of the path: `/images/json`; a `status` in it is the answer's own, and `raw` stands for what is no
   *   single document
   */
  static async start(answers: Readonly<Record<string, unknown>>): Promise<DockerClient> {
    const directory = mkdtempSync(join(tmpdir(), "orlop-docker-client-"));
    const server = createServer((request, response) => {
      const path = (request.url ?? "").replace(/\?.*$/, "").replace(/^\/v[\d.]+/, "");
      response.setHeader("Api-Version", "1.50");
      response.setHeader("Content-Type", path === "/_ping" ? "text/plain" : "application/json");
      const answer = path === "/_ping" ? "OK" : answers[path];
      response.statusCode = answer === undefined ? 404 : (statusOf(answer) ?? 200);
      response.end(rawOf(answer) ?? JSON.stringify(answer ?? { message: `No such image: ${path}` }));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(join(directory, "socket"), resolve);
    await promise;
    return new DockerClient(directory, server);
  }

  async run(...args: readonly string[]): Promise<DockerOutcome> {
    const options = ["--config", this.#directory, "--host", `unix://${join(this.#directory, "socket")}`];
    return await outcome([...options, ...args]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
    rmSync(this.#directory, { recursive: true });
  }
}

function statusOf(answer: unknown): number | undefined {
  return typeof answer === "object" && answer !== null && "status" in answer ? Number(answer.status) : undefined;
}

function rawOf(answer: unknown): string | undefined {
  return typeof answer === "object" && answer !== null && "raw" in answer ? String(answer.raw) : undefined;
}

/** Those before it print some things in other ways. */
const OLDEST_MAJOR = 28;

/** Why there is nothing to compare with; false when there is. For `skip`. */
export async function dockerClientObstacle(): Promise<string | false> {
  const { stdout } = await outcome(["--version"]);
  const major = Number(/version (\d+)\./.exec(stdout)?.[1] ?? 0);
  return major < OLDEST_MAJOR && `needs docker's client, version ${OLDEST_MAJOR} or newer`;
}

async function outcome(args: readonly string[]): Promise<DockerOutcome> {
  const { promise, resolve } = Promise.withResolvers<DockerOutcome>();
  // A name of the user's own for a time zone or a host would show.
  const env = { PATH: process.env.PATH, TZ: "UTC" };
  execFile("docker", args, { env, encoding: "utf8" }, (error, stdout, stderr) => {
    resolve({ stdout, stderr, status: typeof error?.code === "number" ? error.code : Number(error !== null) });
  });
  return await promise;
}

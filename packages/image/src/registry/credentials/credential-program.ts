import { spawn } from "node:child_process";
import { OrlopError } from "@orlop/core";
import type { Credential } from "./credential.ts";

const OUTPUT_MAX_BYTES = 1024 * 1024;
/** With this for a user the secret is an identity token. */
const TOKEN_USER = "<token>";
/** docker-credential-helpers: the words by which clients know that nothing is there. */
const NOT_FOUND = /credentials not found in native keychain/;

/**
 * A program that keeps credentials: `docker-credential-NAME`, spoken to over its standard streams
 * (docker/docker-credential-helpers).
 */
export class CredentialHelper {
  readonly #program: string;
  readonly #env: NodeJS.ProcessEnv;

  /** @throws OrlopError `invalid` for a name that is a path */
  constructor(name: string, env: NodeJS.ProcessEnv = process.env) {
    if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
      throw new OrlopError(
        "invalid",
        `Cannot use credential helper ${JSON.stringify(name)}: it is no name of a program`,
      );
    }
    this.#program = `docker-credential-${name}`;
    this.#env = env;
  }

  async get(key: string, signal?: AbortSignal): Promise<Credential | undefined> {
    const { exitCode, output } = await this.#run("get", key, signal);
    if (NOT_FOUND.test(output)) return undefined;
    if (exitCode !== 0) throw this.#failed("get", output);
    const { Username: username, Secret: secret } = this.#parse(output);
    if (typeof username !== "string" || typeof secret !== "string")
      throw this.#failed("get", "its answer has no secret");
    if (username === "" && secret === "") return undefined;
    if (username === TOKEN_USER) return { kind: "identity-token", token: secret };
    return { kind: "password", username, password: secret };
  }

  async store(key: string, username: string, secret: string): Promise<void> {
    const { exitCode, output } = await this.#run(
      "store",
      JSON.stringify({ ServerURL: key, Username: username, Secret: secret }),
    );
    if (exitCode !== 0) throw this.#failed("store", output);
  }

  /** What is not there is no error. */
  async erase(key: string): Promise<void> {
    const { exitCode, output } = await this.#run("erase", key);
    if (exitCode !== 0 && !NOT_FOUND.test(output)) throw this.#failed("erase", output);
  }

  #run(
    verb: string,
    input: string,
    signal?: AbortSignal,
  ): Promise<{ readonly exitCode: number | null; readonly output: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.#program, [verb], {
        stdio: ["pipe", "pipe", "inherit"],
        env: this.#env,
        ...(signal === undefined ? {} : { signal }),
      });
      const chunks: Buffer[] = [];
      let length = 0;
      child.stdout.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > OUTPUT_MAX_BYTES) child.kill("SIGKILL");
        else chunks.push(chunk);
      });
      // A helper that reads nothing says so with its exit code.
      child.stdin.on("error", () => {});
      child.on("error", (error: NodeJS.ErrnoException) => {
        const problem = error.code === "ENOENT" ? "it is not in $PATH" : error.message;
        const code = signal?.aborted === true ? "cancelled" : "failed";
        reject(new OrlopError(code, `Cannot use credential helper "${this.#program}": ${problem}`, { cause: error }));
      });
      child.on("close", (exitCode) => resolve({ exitCode, output: Buffer.concat(chunks).toString("utf8") }));
      child.stdin.end(input);
    });
  }

  #parse(output: string): Readonly<Record<string, unknown>> {
    try {
      const value: unknown = JSON.parse(output);
      if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
    } catch {
      // Told below.
    }
    throw this.#failed("get", "its answer is no JSON object");
  }

  #failed(verb: string, said: string): OrlopError {
    const line = said.trim().split("\n", 1)[0]?.slice(0, 300) ?? "";
    const problem = line === "" ? "it failed and does not say why" : line;
    return new OrlopError("failed", `Cannot ${verb} credentials with "${this.#program}": ${problem}`, {
      operation: "use a credential helper",
    });
  }
}

import { execFile } from "node:child_process";
import { type ErrorCode, OrlopError } from "@orlop/core";
import { FileLock } from "@orlop/image/file-lock";
import { findProgram } from "@orlop/kernel";
import { isObject } from "./conflist.ts";

export type CniCommand = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS";

/** Which attachment a plug-in is called for: CNI specification, section 2. */
export interface CniAttachment {
  readonly containerId: string;
  readonly interfaceName: string;
  /** Absent where the namespace is gone. */
  readonly namespace?: string;
}

export interface CniProgramsOptions {
  /** Where plug-ins are, those first that come first. */
  readonly directories: readonly string[];
  /** The network namespace that is the host for them; absent: that of this process. */
  readonly hostNamespace: string | undefined;
  /** Held while a plug-in runs, by whoever calls plug-ins here. */
  readonly lockFile: string;
}

/** Plug-ins wait for locks of each other and for servers that give addresses. */
const PLUGIN_MAX_MS = 120_000;
const OUTPUT_MAX_BYTES = 4 << 20;

/** CNI specification, section 2: error codes. */
const CODES: Readonly<Record<number, ErrorCode>> = { 1: "unsupported", 2: "unsupported", 3: "not-found", 7: "invalid" };

interface PluginCall {
  readonly type: string;
  readonly command: CniCommand;
  readonly config: Readonly<Record<string, unknown>>;
  readonly attachment: CniAttachment | undefined;
}

/** The programs of CNI plug-ins, one at a time: portmap fails where another one makes iptables' chains meanwhile. */
export class CniPrograms {
  readonly #options: CniProgramsOptions;
  /** Of the call before. Among themselves callers take turns, as the lock goes to whoever asks at the right moment. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: CniProgramsOptions) {
    this.#options = options;
  }

  /** The path of a plug-in's program. @throws OrlopError `not-found` */
  find(type: string): string {
    const { directories } = this.#options;
    const program = directories
      .map((directory) => findProgram(`${directory}/${type}`))
      .find((path) => path !== undefined);
    if (program !== undefined) return program;
    const problem = `there is no such program in ${directories.join(" or ")}`;
    throw new OrlopError("not-found", `Cannot call CNI plug-in "${type}": ${problem}`);
  }

  /**
   * Calls a plug-in, and gives what it prints as JSON; undefined for nothing.
   *
   * @throws OrlopError with what the plug-in says
   */
  async call(
    type: string,
    command: CniCommand,
    config: Readonly<Record<string, unknown>>,
    attachment?: CniAttachment,
  ): Promise<unknown> {
    const program = this.find(type);
    const turn = this.#turn;
    const done = Promise.withResolvers<void>();
    this.#turn = done.promise;
    await turn;
    try {
      using _lock = await FileLock.take(this.#options.lockFile);
      return await this.#execute(program, { type, command, config, attachment });
    } finally {
      done.resolve();
    }
  }

  async #execute(program: string, { type, command, config, attachment }: PluginCall): Promise<unknown> {
    const { directories, hostNamespace } = this.#options;
    const [file, ...args] = hostNamespace === undefined ? [program] : ["nsenter", `--net=${hostNamespace}`, program];
    const env = environment(command, directories, attachment);
    const { promise, resolve } = Promise.withResolvers<{ error: Error | null; output: string; complaint: string }>();
    const child = execFile(
      file ?? program,
      args,
      { env, timeout: PLUGIN_MAX_MS, maxBuffer: OUTPUT_MAX_BYTES },
      (error, output, complaint) => resolve({ error, output, complaint }),
    );
    // One that ends without reading it tells why by its end.
    child.stdin?.on("error", () => {});
    child.stdin?.end(JSON.stringify(config));
    const { error, output, complaint } = await promise;
    if (error === null) return output.trim() === "" ? undefined : parse(output);
    throw failure(type, command, parse(output), complaint.trim() || error.message);
  }
}

function environment(
  command: CniCommand,
  directories: readonly string[],
  attachment: CniAttachment | undefined,
): NodeJS.ProcessEnv {
  const own = attachment && {
    CNI_CONTAINERID: attachment.containerId,
    CNI_IFNAME: attachment.interfaceName,
    CNI_NETNS: attachment.namespace ?? "",
  };
  // Many call iptables, which is where Debian's PATH for ordinary users does not lead.
  const path = `${process.env.PATH ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`;
  return { ...process.env, PATH: path, CNI_COMMAND: command, CNI_PATH: directories.join(":"), ...own };
}

function parse(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}

function failure(type: string, command: CniCommand, answer: unknown, complaint: string): OrlopError {
  const { code, msg, details } = isObject(answer) ? answer : {};
  const said = [msg, details].filter((each) => typeof each === "string" && each !== "").join(": ");
  const known = typeof code === "number" ? CODES[code] : undefined;
  return new OrlopError(known ?? "failed", `Cannot ${command} by CNI plug-in "${type}": ${said || complaint}`);
}

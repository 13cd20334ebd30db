import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { CommandTimer, CommandTiming } from "./command-timer.ts";

const unifiedMountPoint = "/sys/fs/cgroup/unified";

/** crun refuses hybrid cgroups, version 1 with version 2 beside it: it gets to see a pure version 1 tree. */
export function hiddenFromCrun(): readonly string[] {
  return existsSync(unifiedMountPoint) ? [unifiedMountPoint] : [];
}

function hiddenFrom(name: string): readonly string[] {
  return name === "crun" ? hiddenFromCrun() : [];
}

/** An OCI runtime of this machine, driven by its command line and timed from the outside. */
export class OciPeer {
  readonly name: string;
  readonly path: string;
  readonly #timer: CommandTimer;
  readonly #root: string;
  readonly #env: NodeJS.ProcessEnv | undefined;

  /** @param directory holds a directory of this name for the runtime's state */
  constructor(name: string, path: string, timer: CommandTimer, directory: string, env?: NodeJS.ProcessEnv) {
    this.name = name;
    this.path = path;
    this.#timer = timer;
    this.#root = join(directory, name);
    this.#env = env;
  }

  /** The words in front of a verb, for those who run it themselves. */
  get command(): readonly [file: string, ...args: readonly string[]] {
    return [this.path, "--root", this.#root];
  }

  /** Times any command where this runtime can work, whatever its exit code is. */
  async try(argv: readonly [file: string, ...args: readonly string[]]): Promise<CommandTiming> {
    const env = this.#env === undefined ? {} : { env: this.#env };
    const unmount = hiddenFrom(this.name);
    return await this.#timer.run({ argv, ...env, ...(unmount.length === 0 ? {} : { unmount }) });
  }

  async time(argv: readonly [file: string, ...args: readonly string[]]): Promise<CommandTiming> {
    const timing = await this.try(argv);
    if (timing.exitCode === 0) return timing;
    throw new OrlopError("failed", `Cannot run "${argv.join(" ")}": it ended with exit code ${timing.exitCode}`);
  }

  run(bundle: string, id: string): Promise<CommandTiming> {
    return this.time([...this.command, "run", "--bundle", bundle, id]);
  }

  create(bundle: string, id: string): Promise<CommandTiming> {
    return this.time([...this.command, "create", "--bundle", bundle, id]);
  }

  start(id: string): Promise<CommandTiming> {
    return this.time([...this.command, "start", id]);
  }

  exec(id: string, ...args: readonly string[]): Promise<CommandTiming> {
    return this.time([...this.command, "exec", id, ...args]);
  }

  /** Whatever state the container is in. */
  delete(id: string): Promise<CommandTiming> {
    return this.time([...this.command, "delete", "--force", id]);
  }

  /** All containers of this state directory, whatever state they are in. */
  async deleteAll(): Promise<void> {
    for (const id of existsSync(this.#root) ? readdirSync(this.#root) : []) await this.delete(id);
  }
}

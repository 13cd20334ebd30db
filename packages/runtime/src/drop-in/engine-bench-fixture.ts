import { type ClientHost, type Ended, until } from "@orlop/testkit";
import { UNTIL_TERM } from "./client-scripts-fixture.ts";
import { IMAGE } from "./image-archive-fixture.ts";

/** podman or docker, whose command lines are the same for what is tried here. */
export interface Engine {
  readonly host: ClientHost;
  /** The command line of the client. */
  command(...args: readonly string[]): readonly string[];
  /** Options of `run` for where containers' cgroups are. */
  readonly runOptions: readonly string[];
  /** What the program is called that `--init` makes process 1. */
  readonly init: string;
  /** This user may limit and freeze. */
  readonly hasCgroups: boolean;
  /** Exit code for a program of an exec that is not there. */
  readonly execNotFound: number;
  /** The runtime's directories of state. */
  readonly roots: readonly string[];
  /** Parts of the command lines of processes, and of the paths of mounts, that stay. */
  readonly staying: readonly string[];
}

/** An engine, and short ways to talk to it. */
export class EngineBench {
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Calls the client. */
  call(...args: readonly string[]): Promise<Ended> {
    return this.engine.host.call(this.engine.command(...args));
  }

  /** What the client prints, which has to end well. */
  async says(...args: readonly string[]): Promise<string> {
    return (await this.engine.host.succeeds(this.engine.command(...args))).trim();
  }

  /** The command line of `run` with these options; a script for the shell, or a program. */
  run(options: readonly string[], program: string | readonly string[]): readonly string[] {
    const words = typeof program === "string" ? ["sh", "-c", program] : program;
    const network = options.some((word) => word.startsWith("--network")) ? [] : ["--network=none"];
    return this.engine.command("run", ...this.engine.runOptions, ...network, ...options, IMAGE, ...words);
  }

  /** Runs a container in the foreground and removes it. */
  runs(options: readonly string[], program: string | readonly string[]): Promise<Ended> {
    return this.engine.host.call(this.run(["--rm", ...options], program));
  }

  /** What a container prints that ends well. */
  async prints(options: readonly string[], program: string | readonly string[]): Promise<string> {
    return (await this.engine.host.succeeds(this.run(["--rm", ...options], program))).trim();
  }

  /** Starts a container that stays, once it has said that it is ready. */
  async starts(name: string, options: readonly string[] = [], program: string = UNTIL_TERM): Promise<void> {
    await this.engine.host.succeeds(this.run(["--detach", `--name=${name}`, ...options], program));
    await this.logsHave(name, "ready");
  }

  async logsHave(name: string, word: string): Promise<void> {
    await until(`"${word}" from ${name}`, async () => {
      const { stdout } = await this.call("logs", name);
      return stdout.split("\n").includes(word);
    });
  }

  inspects(name: string, format: string): Promise<string> {
    return this.says("inspect", "--format", format, name);
  }
}

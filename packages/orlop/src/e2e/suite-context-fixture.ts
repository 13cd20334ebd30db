import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CommandFixture, type CommandOptions, type CommandResult } from "./command-fixture.ts";
import { DaemonProcess } from "./daemon-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";

/** Who runs a suite. */
export interface SuiteOptions {
  readonly skip: string | false;
  readonly stateDirectory: string;
  /** Value of `--runtime` for every container; absent: none is given. */
  readonly runtime?: string;
  /** Of all commands. */
  readonly env?: Readonly<Record<string, string>>;
  /** They are calls to a daemon. */
  readonly daemon?: boolean;
}

/** What the cases of a suite share: commands, the containers that they made, a directory. */
export class SuiteContext {
  readonly skip: string | false;
  readonly stateDirectory: string;
  readonly #flags: readonly string[];
  #fixture: CommandFixture | undefined;

  constructor({ skip, stateDirectory, runtime, env, daemon = false }: SuiteOptions) {
    this.skip = skip;
    this.#flags = runtime === undefined ? [] : ["--runtime", runtime];
    this.stateDirectory = stateDirectory;
    let served: DaemonProcess | undefined;
    before(async () => {
      this.#fixture = new CommandFixture(env);
      if (daemon && skip === false) served = await DaemonProcess.start(this.#fixture);
    });
    after(async () => {
      await served?.[Symbol.asyncDispose]();
      this.#fixture?.[Symbol.dispose]();
    });
  }

  get fixture(): CommandFixture {
    assert.ok(this.#fixture, "the suite has not begun");
    return this.#fixture;
  }

  /** A path in the suite's directory. */
  place(name: string): string {
    return join(this.fixture.directory, name);
  }

  run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.fixture.run([...this.#flags, ...args], options);
  }

  /** Output of a container; any failure of the command fails the test. */
  async output(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  }

  /** To be called last. */
  testLeftovers(): void {
    test("nothing is left of all these containers", { skip: this.skip }, async () => {
      // Whoever was killed could not clean up; the next run does.
      await this.output("host", "true");
      assert.deepEqual(await findLeftovers(this.fixture.containerIds(), this.stateDirectory), []);
      assert.deepEqual(this.fixture.leftOver(), []);
    });
  }
}

import assert from "node:assert/strict";
import { type CommandFixture, type CommandResult, LAUNCHER } from "./command-fixture.ts";

/** Whose systemd it is. */
export interface TestedSystemd {
  /** Between `systemctl` and what it is to do. */
  readonly flags: readonly string[];
  /** Where it finds services that are gone after a start of the machine. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Why it is not there. */
  readonly obstacle: string | undefined;
}

/** Calls of systemd's programs and of the command, which have to succeed. */
export class SystemdCalls {
  readonly #fixture: CommandFixture;
  readonly #flags: readonly string[];

  constructor(fixture: CommandFixture, { flags }: TestedSystemd) {
    this.#fixture = fixture;
    this.#flags = flags;
  }

  async orlop(...args: readonly string[]): Promise<string> {
    return await this.#ok(LAUNCHER, args);
  }

  async systemctl(...words: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await this.#fixture.start("systemctl", [...this.#flags, ...words]);
    if (exitCode === 0) return;
    const unit = words[1];
    const log = unit === undefined ? "" : await this.journal(unit.replace(/\.service$/, ""));
    assert.fail(`systemctl ${words.join(" ")}: ${stderr}${log}`);
  }

  async property(service: string, name: string): Promise<string> {
    return await this.#ok("systemctl", [...this.#flags, "show", "--value", `--property=${name}`, `${service}.service`]);
  }

  /** Of this start of the machine. */
  async journal(service: string): Promise<string> {
    const unit = this.#flags.includes("--user") ? "--user-unit" : "--unit";
    const { stdout } = await this.#fixture.start("journalctl", [
      "--boot",
      "--output=cat",
      `${unit}=${service}.service`,
    ]);
    return stdout;
  }

  async #ok(program: string, args: readonly string[]): Promise<string> {
    const { exitCode, signal, stdout, stderr }: CommandResult = await this.#fixture.start(program, args);
    assert.deepEqual([exitCode, signal], [0, null], `${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }
}

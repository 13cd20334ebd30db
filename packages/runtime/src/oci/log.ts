import { appendFileSync, closeSync, openSync } from "node:fs";
import { systemFailure } from "@orlop/kernel";
import { toldText } from "./told-text.ts";

type Level = "error" | "warning" | "debug";

export type LogFormat = "text" | "json";

interface LogOptions {
  /** Absolute; absent: standard error. */
  readonly path?: string | undefined;
  /** Absent: `text` in a file, and plain sentences on standard error. */
  readonly format?: LogFormat | undefined;
  readonly isDebug: boolean;
  /** The caller's, for a new file; absent: this process's own. */
  readonly umask?: number;
  /** Writes to standard error. */
  complain(text: string): void;
}

/**
 * What a call has to say beside its result: lines of logrus, the library that runc logs with, because containerd and
 * podman read them back. An error is told on standard error as well, in plain words where nobody asked for lines.
 */
export class Log {
  readonly #options: LogOptions;

  /** Opens the file once, so that a place that cannot be written is known before anything is done. */
  constructor(options: LogOptions) {
    this.#options = options;
    if (options.path === undefined) return;
    try {
      closeSync(openSync(options.path, "a", 0o644 & ~(options.umask ?? 0)));
    } catch (error) {
      throw systemFailure(`open log "${options.path}"`, error);
    }
  }

  error(message: string): void {
    this.#write("error", message);
    if (this.#options.path !== undefined) this.#options.complain(`${message}\n`);
  }

  warn(message: string): void {
    this.#write("warning", toldText(message));
  }

  debug(message: string): void {
    if (this.#options.isDebug) this.#write("debug", message);
  }

  #write(level: Level, message: string): void {
    const { path, format, isDebug, complain } = this.#options;
    if (path !== undefined) appendFileSync(path, logLine(format ?? "text", level, message));
    else if (format !== undefined || isDebug) complain(logLine(format ?? "text", level, message));
    else complain(`${level === "error" ? "" : `${level}: `}${message}\n`);
  }
}

function logLine(format: LogFormat, level: Level, message: string): string {
  const time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  if (format === "json") return `${JSON.stringify({ level, msg: message, time })}\n`;
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`;
}

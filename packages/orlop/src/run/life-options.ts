import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import type { RestartPolicy } from "@orlop/engine";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import { readLabels } from "./label-flags.ts";
import { readLog } from "./log-options.ts";
import type { RunOptions } from "./run-options.ts";

type LifeOptions = Pick<
  RunOptions,
  "detach" | "autoRemove" | "labels" | "restart" | "stopSignal" | "stopTimeoutMs" | "timeLimitMs" | "log" | "detachKeys"
>;

/** How long a container is there, what is kept of it, and who looks after it. */
export function readLifeOptions(flags: ParsedFlags): LifeOptions {
  const autoRemove = flags.isOn("rm");
  const restart = flags.parse("restart", parseRestartPolicy) ?? { name: "no" };
  if (autoRemove && restart.name !== "no") {
    throw new OrlopError("invalid", "conflicting options: cannot specify both --restart and --rm");
  }
  const timeLimitMs = flags.parse("timeout", parseTimeLimit);
  return {
    detach: flags.isOn("detach"),
    autoRemove,
    labels: readLabels(flags),
    restart,
    stopSignal: flags.parse("stop-signal", parseSignal),
    stopTimeoutMs: flags.parse("stop-timeout", parseSeconds),
    ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
    log: readLog(flags),
    detachKeys: parseDetachKeys(flags.text("detach-keys")),
  };
}

/** `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:TIMES`. */
export function parseRestartPolicy(text: string): RestartPolicy {
  if (text === "no" || text === "") return { name: "no" };
  if (text === "always" || text === "unless-stopped") return { name: text };
  const [, , times = "0"] = /^on-failure(:(\d{1,9}))?$/.exec(text) ?? ["", "", ""];
  if (times !== "") return { name: "on-failure", maximumRetryCount: Number(times) };
  throw new OrlopError("invalid", "it is no, always, unless-stopped or on-failure[:TIMES]");
}

/** A name with or without SIG, or a number. */
export function parseSignal(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : signalNumber(text.toUpperCase());
  if (number !== undefined && number > 0 && number <= SIGNAL_MAX) return number;
  throw new OrlopError("invalid", `there is no signal ${JSON.stringify(text)}`);
}

const SIGNAL_MAX = 64;
/** signal(7): of the real-time signals the C library keeps two. */
const REAL_TIME = { RTMIN: 34, RTMAX: 64 } as const;

function signalNumber(text: string): number | undefined {
  const name = text.replace(/^SIG/, "");
  const [, base, sign, distance = "0"] = /^(RTMIN|RTMAX)(?:([+-])(\d+))?$/.exec(name) ?? [];
  if (base === undefined) return constants.signals[`SIG${name}` as NodeJS.Signals];
  const number = REAL_TIME[base as "RTMIN"] + (sign === "-" ? -1 : 1) * Number(distance);
  return number >= REAL_TIME.RTMIN && number <= REAL_TIME.RTMAX ? number : undefined;
}

/** Whole seconds; 0 for no end. In milliseconds. */
function parseTimeLimit(text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) === 0 ? undefined : Number(text) * 1000;
  throw new OrlopError("invalid", "it is a number of seconds, or 0 for no limit");
}

/** Whole seconds; -1 for no end. In milliseconds. */
export function parseSeconds(text: string): number {
  if (/^(-1|\d{1,9})$/.test(text)) return text === "-1" ? -1 : Number(text) * 1000;
  throw new OrlopError("invalid", "it is a number of seconds, or -1 for no limit");
}

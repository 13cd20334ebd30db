import { constants } from "node:os";
import {
  type Architecture,
  emitReport,
  hostArchitecture,
  type Program,
  ProgramBuilder,
  ProgramTemplate,
  reportBuffer,
} from "@orlop/kernel";
import { emitSayText } from "../emit-say-text.ts";

interface Farewell {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly status: number;
}

/** The most that one program says, with all that it needs for it: it has to fit into a frame. */
export const FAREWELL_TEXT_MAX_BYTES: number = 256 * 1024;

/** Of calls that have nothing to say, as most have, by their exit statuses: verified once. */
const silent = new Map<number, ProgramTemplate>();
const NOTHING = { texts: [], numbers: {} } as const;

/** As {@link compileFarewell} with nothing to say. */
export function silentFarewell(status: number): Program {
  const nothing = new Uint8Array();
  const known =
    silent.get(status) ??
    new ProgramTemplate(compileFarewell(hostArchitecture(), { stdout: nothing, stderr: nothing, status }), NOTHING);
  silent.set(status, known);
  return known.fill(NOTHING);
}

/** What a call becomes at its end: says what there is to say, and ends with its exit status. */
export function compileFarewell(architecture: Architecture, { stdout, stderr, status }: Farewell): Program {
  const p = new ProgramBuilder(architecture);
  p.role("farewell");
  emitSurviveReaders(p, "begin the end", "SIG_SETMASK");
  for (const [fd, text] of [
    [1, stdout],
    [2, stderr],
  ] as const) {
    emitSayText(p, fd, text);
  }
  p.step({ action: `end with status ${status}`, why: "and say that somebody has heard it" });
  emitReport(p, reportBuffer(p), "started");
  p.call("exit_group", [status]);
  return p.build();
}

/**
 * A program that only says something, for execution in a child: `ended` when it has, with a negative errno as its value where
 * nobody reads. It does not outlive who says it.
 */
export function compileSay(architecture: Architecture, text: Uint8Array, fd = 1): Program {
  const p = new ProgramBuilder(architecture);
  p.role("say");
  emitSurviveReaders(p, "begin to speak", "SIG_BLOCK");
  p.call("prctl", [p.flags("PR_SET_PDEATHSIG"), p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0, 0]);
  emitSayText(p, fd, text);
  p.step({ action: "say that it is said" });
  emitReport(p, reportBuffer(p), "ended", { index: 0, value: p.slot("result") });
  p.call("exit_group", [0]);
  return p.build();
}

const SIGPIPE_MASK = 1n << BigInt(constants.signals.SIGPIPE - 1);

/** What was to be done is done, whether anybody reads of it or not. */
function emitSurviveReaders(p: ProgramBuilder, action: string, how: "SIG_BLOCK" | "SIG_SETMASK"): void {
  const mask = Buffer.alloc(8);
  mask.writeBigUInt64LE(SIGPIPE_MASK);
  p.step({ action });
  p.call("rt_sigprocmask", [p.flags(how), p.bytes(mask, "[PIPE]"), 0, 8]);
}

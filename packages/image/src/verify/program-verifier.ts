import { readdirSync } from "node:fs";
import { join } from "node:path";
import { MEDIA_TYPE_DESCRIPTOR, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { runProgram } from "../process/run-program.ts";
import type { ImageVerifier } from "./image-verifier.ts";

/** Where containerd looks for them. */
export const VERIFIER_DIRECTORY = "/opt/containerd/image-verifier/bin";

export interface ProgramVerifierOptions {
  /** More of them are refused, lest one be left out unseen. */
  readonly verifiersMax?: number;
  /** Of one. */
  readonly timeoutMs?: number;
}

/**
 * Asks every program of a directory (containerd, docs/image-verification.md): called with `-name`, `-digest` and
 * `-stdin-media-type`, and the descriptor on its standard input, it allows an image by exit code 0, and says why not on its
 * standard output. A directory that is empty, or not there, allows everything.
 */
export function programVerifier(
  directory: string,
  { verifiersMax = 10, timeoutMs = 10_000 }: ProgramVerifierOptions = {},
): ImageVerifier {
  return async ({ name, target, signal }) => {
    const shown = name ?? target.digest;
    const programs = programsIn(directory);
    if (programs.length > verifiersMax) {
      const found = `"${directory}" has ${programs.length} verifiers, more than ${verifiersMax}`;
      throw new OrlopError("exhausted", `Cannot verify image "${shown}": ${found}`);
    }
    for (const program of programs) {
      const { exitCode, stdout } = await runProgram(join(directory, program), {
        args: ["-name", shown, "-digest", target.digest, "-stdin-media-type", MEDIA_TYPE_DESCRIPTOR],
        input: Buffer.from(`${JSON.stringify(target)}\n`),
        timeoutMs,
        what: `verify image "${shown}"`,
        ...(signal === undefined ? {} : { signal }),
      });
      if (exitCode === 0) continue;
      const reason = stdout === "" ? "" : `: ${stdout}`;
      throw new OrlopError(
        "denied",
        `Cannot use image "${shown}": verifier "${program}" refuses it (exit code ${exitCode})${reason}`,
      );
    }
  };
}

function programsIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw systemFailure(`read directory "${directory}"`, cause);
  }
}

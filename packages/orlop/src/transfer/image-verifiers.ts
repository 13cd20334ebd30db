import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  decodePolicy,
  type ImageOrigin,
  type ImageVerifier,
  type Policy,
  policyVerifier,
  programVerifier,
  VERIFIER_DIRECTORY,
} from "@orlop/image/verify";
import { systemFailure } from "@orlop/kernel";
import { caller } from "../caller/caller.ts";
import type { Flag } from "../flags/flag.ts";
import { machineLookaside } from "./machine-lookaside.ts";

export const SIGNATURE_POLICY_FLAG: Flag = {
  name: "signature-policy",
  value: "FILE",
  help: "What images have to meet (~/.config/containers/policy.json, or /etc/containers/policy.json)",
};

interface VerifierOptions {
  readonly policyFile?: string | undefined;
  /** The directory of containerd's. */
  readonly programs?: string;
}

/**
 * Who decides whether an image from there may come here: the user's or the machine's policy, where there is one, and
 * containerd's verifiers.
 *
 * @throws OrlopError for a policy that was named and is not there, and for one that is not valid
 */
export function imageVerifiers(
  origin: ImageOrigin,
  { policyFile, programs = VERIFIER_DIRECTORY }: VerifierOptions = {},
): readonly ImageVerifier[] {
  const policy = findPolicy(policyFile);
  const byPolicy = policy === undefined ? [] : [policyVerifier(policy, origin, { lookaside: machineLookaside() })];
  return [...byPolicy, programVerifier(programs)];
}

function findPolicy(named: string | undefined): Policy | undefined {
  if (named !== undefined) return readPolicy(named);
  return (
    readPolicy(join(caller().home, ".config/containers/policy.json"), true) ??
    readPolicy("/etc/containers/policy.json", true)
  );
}

function readPolicy(path: string): Policy;
function readPolicy(path: string, mayBeMissing: true): Policy | undefined;
function readPolicy(path: string, mayBeMissing = false): Policy | undefined {
  let text: Buffer;
  try {
    text = readFileSync(path);
  } catch (cause) {
    if (mayBeMissing && (cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw systemFailure(`read policy "${path}"`, cause);
  }
  return decodePolicy(path, text);
}

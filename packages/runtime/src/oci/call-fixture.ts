import { type Call, COMMAND_NAME } from "./call.ts";
import { FakeContainers } from "./fake-containers-fixture.ts";
import type { Hands } from "./hands.ts";
import { orlopOci } from "./orlop-oci.ts";

/** Hands for calls that execute nothing, of a caller with so many descriptors open beside the standard ones. */
function noHands(openDescriptors: number): Hands {
  return {
    alive: true,
    submit: refuse,
    become: refuse,
    release: refuse,
    descriptor: (fd) => (fd < 3 + openDescriptors ? fd : undefined),
    close: () => {},
  };
}

function refuse(): never {
  throw new Error("this call executes no program");
}

export interface CallResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

type CallCircumstances = Partial<Pick<Call, "name" | "env" | "cwd" | "pid">> & {
  readonly containers?: FakeContainers;
  readonly input?: string;
  /** How many of its caller's descriptors are open from 3 up; absent: all. */
  readonly openDescriptors?: number;
};

/** Carries out a call of the command in this process, with containers that are made up. */
export async function callOci(args: readonly string[], circumstances: CallCircumstances = {}): Promise<CallResult> {
  const {
    name = COMMAND_NAME,
    env = {},
    cwd = "/",
    pid = process.pid,
    containers = new FakeContainers(),
    input,
    openDescriptors = Number.POSITIVE_INFINITY,
  } = circumstances;
  let stdout = "";
  let stderr = "";
  const call: Call = {
    name,
    args,
    env,
    cwd,
    umask: 0o22,
    pid,
    hands: noHands(openDescriptors),
    print: (text) => {
      stdout += text;
    },
    show: async (text) => {
      stdout += text;
      return true;
    },
    complain: (text) => {
      stderr += text;
    },
    readInput: async () => Buffer.from(input ?? ""),
  };
  const exitCode = await orlopOci(call, async (options) => containers.opened(options));
  return { exitCode, stdout, stderr };
}

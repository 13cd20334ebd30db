import { once } from "node:events";
import type { Socket } from "node:net";
import { hostArchitecture } from "@orlop/kernel";
import { type Call, NotHere } from "../call.ts";
import { orlopOci } from "../orlop-oci.ts";
import { compileFarewell, compileSay, FAREWELL_TEXT_MAX_BYTES } from "./farewell-program.ts";
import { type Hello, HelloReader, isOneOfUs } from "./hello.ts";
import { ARGUMENTS_BEFORE, callWords } from "./launcher-arguments.ts";
import { RemoteHands } from "./remote-hands.ts";

/**
 * Serves one caller, from its hello to its end. A call that this process cannot carry out is dropped before anything has
 * been done: the launcher then executes Node.
 */
export async function serveCall(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  const hello = await readHello(socket);
  if (hello === undefined || !isOneOfUs(hello)) {
    socket.destroy();
    return;
  }
  const hands = new RemoteHands(socket, hello.descriptor);
  const said = { stdout: "", stderr: "" };
  const closed = socket.closed ? Promise.resolve() : once(socket, "close");
  try {
    const status = await orlopOci(callOf(hello, hands, said));
    if (!hands.became) takeLeave(hands, said, status);
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    hands.close();
  }
  await closed;
}

function callOf(hello: Hello, hands: RemoteHands, said: { stdout: string; stderr: string }): Call {
  return {
    args: callWords(hello.arguments.slice(ARGUMENTS_BEFORE)),
    env: hello.environment,
    cwd: hello.cwd,
    pid: hello.pid,
    ownCgroups: hello.cgroups,
    hands,
    print(text) {
      said.stdout += text;
    },
    complain(text) {
      said.stderr += text;
    },
    readInput() {
      throw new NotHere("standard input is the caller's");
    },
  };
}

function takeLeave(hands: RemoteHands, said: { stdout: string; stderr: string }, status: number): void {
  if (!hands.alive) return;
  const architecture = hostArchitecture();
  const { stdout, stderr } = said;
  if (stdout.length + stderr.length <= FAREWELL_TEXT_MAX_BYTES / 4) {
    hands.become(compileFarewell(architecture, { ...said, status }), () => {});
    return;
  }
  sayInParts(hands, stdout, () => {
    const farewell = { stdout: "", stderr: stderr.slice(0, FAREWELL_TEXT_MAX_BYTES / 4), status };
    hands.become(compileFarewell(architecture, farewell), () => {});
  });
}

/** One part after the other, each in a child, because a long text does not fit into a program. */
function sayInParts(hands: RemoteHands, text: string, done: () => void): void {
  if (text === "") {
    done();
    return;
  }
  const part = text.slice(0, FAREWELL_TEXT_MAX_BYTES / 4);
  hands.submit(compileSay(hostArchitecture(), part), ({ kind }) => {
    if (kind === "ended") sayInParts(hands, text.slice(part.length), done);
  });
}

/** Undefined for a caller that leaves before it has said all, or says what is no hello. */
async function readHello(socket: Socket): Promise<Hello | undefined> {
  const reader = new HelloReader();
  const { promise, resolve } = Promise.withResolvers<Hello | undefined>();
  const onData = (chunk: Buffer): void => {
    try {
      const hello = reader.push(chunk);
      if (hello !== undefined) resolve(hello);
    } catch {
      resolve(undefined);
    }
  };
  const onEnd = (): void => resolve(undefined);
  socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  try {
    return await promise;
  } finally {
    socket.off("data", onData).off("end", onEnd).off("close", onEnd);
  }
}

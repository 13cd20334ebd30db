import type { Socket } from "node:net";
import { dirname } from "node:path";
import { type Call, NotHere } from "../call.ts";
import { LocalHands } from "../local-hands.ts";
import type { OciContainers, OciContainersOptions } from "../oci-containers.ts";
import { orlopOci } from "../orlop-oci.ts";
import { undoCall } from "./abandoned-call.ts";
import { calledName } from "./called-as.ts";
import { type Hello, isOneOfUs } from "./hello.ts";
import { ALIVE_MS } from "./launcher-place.ts";
import { readHello } from "./read-hello.ts";
import { RemoteHands } from "./remote-hands.ts";
import type { Served } from "./resident-server.ts";
import { sayNow } from "./say-now.ts";
import { type Said, takeLeave } from "./take-leave.ts";

/**
 * Serves one caller, from its hello to its end. A call that this process cannot carry out is dropped before anything has
 * been done: the launcher then executes Node.
 *
 * @param finishFile see `Hands`
 * @param open where containers come from
 */
export async function serveCall(
  socket: Socket,
  finishFile: string,
  open: (options: OciContainersOptions) => Promise<OciContainers>,
): Promise<Served> {
  const sinceMs = Date.now();
  socket.on("error", () => {});
  const hello = await readHello(socket);
  if (hello === undefined || !isOneOfUs(hello)) {
    socket.destroy();
    return hello === undefined ? "nobody" : "declined";
  }
  const said: Said = { stdout: "", stderr: "" };
  const hands = new RemoteHands(socket, hello, finishFile, said);
  // Not by once() of node:events, which an error ends: what a launcher left unread is one.
  const closed = new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once("close", () => resolve())));
  const call = callOf(hello, hands, said);
  const alive = setInterval(() => hands.tellAlive(), ALIVE_MS);
  socket.once("close", () => clearInterval(alive));
  try {
    const status = await orlopOci(call, open);
    if (!hands.became) takeLeave(hands, said, status);
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    hands.close();
  }
  await closed;
  if (hands.used && !hands.heard) await undoForNobody(call, sinceMs);
  return "served";
}

/** The launcher was killed before it could hear how its call went: as if it had never called. */
async function undoForNobody(call: Call, sinceMs: number): Promise<void> {
  const hands = new LocalHands();
  try {
    // The socket is closed: none of the launcher's children is left.
    await undoCall({ call: { ...call, hands }, sinceMs }, async () => true);
  } finally {
    hands.close();
  }
}

function callOf(hello: Hello, hands: RemoteHands, said: Said): Call {
  return {
    name: calledName(dirname(hello.arguments[0] ?? "")),
    args: hello.arguments.slice(1),
    env: hello.environment,
    cwd: hello.cwd,
    umask: hello.umask,
    pid: hello.pid,
    ownCgroups: hello.cgroups,
    hands,
    print(text) {
      said.stdout += text;
    },
    show: (text) => sayNow(hands, text),
    complain(text) {
      said.stderr += text;
    },
    readInput() {
      throw new NotHere("standard input is the caller's");
    },
  };
}

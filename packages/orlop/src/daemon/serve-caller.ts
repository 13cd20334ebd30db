import { readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { hostArchitecture } from "@orlop/kernel";
import {
  compileFarewell,
  FAREWELL_TEXT_MAX_BYTES,
  type HeldLayers,
  type Hello,
  isOneOfUs,
  readHello,
  type SpareNetwork,
} from "@orlop/runtime/launcher";
import { caller, callFor, type Daemon } from "../caller/caller.ts";
import { NotHere } from "../caller/not-here.ts";
import { stateDirectory } from "../run/state-directory.ts";
import { ownDataDirectory } from "../store/data-directory.ts";
import { CallHands } from "./call-hands.ts";
import { compileGoOnAlone } from "./go-on-alone-program.ts";
import { LauncherForeground } from "./launcher-foreground.ts";
import { markUnlessGone } from "./mark-unless-gone.ts";
import { RemoteCaller } from "./remote-caller.ts";
import { serviceOf } from "./served-verbs.ts";

/** What is the same for every call. */
interface Serving {
  readonly daemon: Omit<Daemon, "openForeground">;
  /** What a launcher executes: for a whole call, and for what is left of one whose process has ended. */
  readonly alone: string;
  readonly finish: string;
  readonly spare: SpareNetwork;
  readonly layers: HeldLayers;
  /** Carries out a command line; resolves with its status. */
  commandLine(words: readonly string[]): Promise<number>;
}

/** Serves one caller, from its hello to its end. What this process cannot do as the caller's own would is left to that. */
export async function serveCaller(socket: Socket, serving: Serving): Promise<void> {
  socket.on("error", () => {});
  const hello = await readHello(socket);
  const words = hello?.arguments.slice(1) ?? [];
  const service = serviceOf(words);
  const mark = hello && markUnlessGone(hello.pid);
  if (mark === undefined || hello === undefined || service === undefined || !isHere(hello)) {
    socket.destroy();
    return;
  }
  const hands = new CallHands(socket, (signal) => who.take(signal));
  const { spare, layers, finish: finishFile } = serving;
  const daemon: Daemon = {
    ...serving.daemon,
    openForeground: (options) =>
      LauncherForeground.open({ hello, hands, caller: who, finishFile, spare, layers }, options),
  };
  const who = new RemoteCaller(hello, mark, hands, daemon);
  if (!callFor(who, isOfSamePlaces)) {
    hands.close();
    return;
  }
  if (service === "changes") hands.begin();
  try {
    if (words.some(mayAskForTerminal)) await who.stdout.learnSize();
    const carriedOut = async (): Promise<number> => await who.settle(await serving.commandLine(words));
    const status = await callFor(who, () => Promise.race([carriedOut(), who.ended]));
    endCall(hands, who, status);
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    if (hands.alive) hands.become(compileGoOnAlone(hostArchitecture(), serving.alone, hello.descriptor));
  } finally {
    who.answered();
  }
  await hands.gone;
}

/** A word such as `-it`; a guess, with which only time is lost when it is wrong. */
function mayAskForTerminal(word: string): boolean {
  return /^-(?:[a-z]*t[a-z]*|-tty)$/.test(word);
}

/** Has the called process say what there is to say, and end. */
function endCall(hands: CallHands, { stdout, stderr }: RemoteCaller, status: number): void {
  if (hands.became) {
    hands.release(status);
    return;
  }
  if (!hands.alive) return;
  const said = { stdout: stdout.take(), stderr: stderr.take().subarray(0, FAREWELL_TEXT_MAX_BYTES) };
  hands.become(compileFarewell(hostArchitecture(), { ...said, status }));
}

/** Whether paths, names, addresses and process ids mean the same to the caller as here, and it may do what this may. */
function isHere(hello: Hello): boolean {
  return isOneOfUs(hello) && NAMESPACES.every((name) => namespaceOf(hello.pid, name) === HERE.get(name));
}

/** A launcher tells of the others itself. */
const NAMESPACES = ["net", "ipc", "uts", "time"] as const;
const HERE = new Map(NAMESPACES.map((name) => [name, namespaceOf("self", name)]));

function namespaceOf(pid: number | "self", name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch {
    // A kernel without such namespaces, or a process that has gone.
    return undefined;
  }
}

/** Whether the caller's environment leads to the containers and images that this process has open. */
function isOfSamePlaces(): boolean {
  const { daemon, env } = caller();
  const { depot, stateDirectory: open } = daemon?.engine ?? {};
  return ownDataDirectory() === depot?.root && stateDirectory(process.geteuid?.() ?? 0, env) === open;
}

import { basename } from "node:path";
import { type RootFilesystem, type Stdio, shortId } from "@orlop/core";
import type { TemplateValues } from "@orlop/kernel";
import type { CreatePlan } from "./compilation.ts";
import { compileCreate } from "./compile-create.ts";
import { compileExec, type ExecPlan } from "./compile-exec.ts";
import { type KeptPlan, KeptPrograms } from "./kept-programs.ts";
import { descriptorPath, descriptorWords, STREAM_NAMES } from "./stdio.ts";
import type { HostView } from "./supervision.ts";

/** Keeps programs of containers, and compiles them. */
export function keepCreates(): KeptPrograms<CreatePlan> {
  return new KeptPrograms(compileCreate, takeCreateApart);
}

/** Keeps programs of execs, and compiles them. */
export function keepExecs(): KeptPrograms<ExecPlan> {
  return new KeptPrograms(compileExec, takeExecApart);
}

/** A container: its id is its own, and so are the descriptors for its streams and the place for what it writes. */
function takeCreateApart(plan: CreatePlan): KeptPlan {
  const { host, request, seccomp, ...rest } = plan;
  const { signal: _, stdio, ...asked } = request;
  const streams = takeStreamsApart(stdio, host);
  return {
    values: {
      texts: sorted([...idTexts(request.id), ...writtenTexts(rest.rootfs), ...streams.texts]),
      numbers: streams.numbers,
    },
    rest: { ...rest, asked, streams: streams.rest, seccomp: seccomp && { ...seccomp, filter: base64(seccomp.filter) } },
  };
}

/** An exec: it has an id beside the container's, whose init has a pid of its own. */
function takeExecApart(plan: ExecPlan): KeptPlan | undefined {
  const { host, initPid, stdio, seccomp, state, ...rest } = plan;
  // It is told of the state, with the pid in words.
  if (seccomp?.listener !== undefined) return undefined;
  const streams = takeStreamsApart(stdio, host);
  const ids = [...idTexts(basename(plan.stateDirectory)), ...idTexts(state.id)];
  return {
    values: { texts: sorted([...ids, ...streams.texts]), numbers: { ...streams.numbers, init: initPid } },
    rest: {
      ...{ ...rest, streams: streams.rest },
      state: { ...state, pid: undefined },
      seccomp: seccomp && { ...seccomp, filter: base64(seccomp.filter) },
    },
  };
}

/** What names a container or an exec, whole or in short. */
function idTexts(id: string): readonly string[] {
  const short = shortId(id);
  return short === id ? [id] : [id, short];
}

/** Where what is written is kept, as long as it is by a name of which nothing but its length makes a difference. */
function writtenTexts(rootfs: RootFilesystem): readonly string[] {
  if (rootfs.kind !== "overlay" || rootfs.writes === "discard") return [];
  const { upper, work } = rootfs.writes;
  return [upper, work].every((path) => PLAIN_PATH.test(path)) ? [upper, work] : [];
}

/** Overlay takes some characters for something else: see overlay-root.ts. */
const PLAIN_PATH = /^[\w./-]+$/;

/** Which ones are the same descriptor makes another program; which descriptors they are, only other values. */
function takeStreamsApart(stdio: Stdio, host: HostView): TemplateValues & { readonly rest: object } {
  const given = STREAM_NAMES.flatMap((name) => {
    const target = stdio[name];
    return typeof target === "object" && "fd" in target ? [{ name, fd: target.fd }] : [];
  });
  const same = Object.fromEntries(given.map(({ name, fd }) => [name, given.findIndex((each) => each.fd === fd)]));
  return {
    texts: given.flatMap(({ fd }) => [descriptorPath(host, fd), descriptorWords(fd)]),
    numbers: Object.fromEntries(given.map(({ name, fd }) => [name, fd])),
    rest: { ...stdio, ...same },
  };
}

/** The longest first: what one text has in it of another is its own. */
function sorted(texts: readonly string[]): readonly string[] {
  return texts.toSorted((a, b) => b.length - a.length);
}

function base64({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("base64");
}

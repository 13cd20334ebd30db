import { basename } from "node:path";
import { type CreateRequest, type RootFilesystem, type RuntimeSpec, type Stdio, shortId } from "@orlop/core";
import { SeccompProgramCache, type TemplateValues } from "@orlop/kernel";
import type { CreatePlan } from "./compilation.ts";
import { compileCreate } from "./compile-create.ts";
import { compileExec, type ExecPlan } from "./compile-exec.ts";
import { readHostView } from "./host-view.ts";
import { type KeptPlan, KeptPrograms } from "./kept-programs.ts";
import { descriptorPath, descriptorWords, STREAM_NAMES } from "./stdio.ts";
import type { HostView } from "./supervision.ts";

/** What one runtime has compiled and others of the same process need not compile again: each serves one call, say. */
export class KeptWork {
  readonly host: HostView = readHostView();
  readonly filters: SeccompProgramCache = new SeccompProgramCache();
  readonly creates: KeptPrograms<CreatePlan> = keepCreates();
  readonly execs: KeptPrograms<ExecPlan> = keepExecs();
}

/** Keeps programs of containers, which `compile` makes. */
export function keepCreates(compile: typeof compileCreate = compileCreate): KeptPrograms<CreatePlan> {
  return new KeptPrograms(compile, takeCreateApart);
}

/** Keeps programs of execs, and compiles them. */
export function keepExecs(): KeptPrograms<ExecPlan> {
  return new KeptPrograms(compileExec, takeExecApart);
}

/**
 * A container: its id is its own, and so are who was called to make it, who holds namespaces for it, the descriptors for its
 * streams, and the places of its files and of what it writes.
 */
function takeCreateApart(plan: CreatePlan): KeptPlan {
  const { host, request, seccomp, style, ...rest } = plan;
  const { signal: _, stdio, ...asked } = request;
  const { makerPid, ...how } = style;
  const streams = takeStreamsApart(stdio, host);
  const places = [...heldTexts(rest.rootfs), ...writtenTexts(rest.rootfs)];
  const own = [...idTexts(request.id), ...fileTexts(request), ...holderTexts(request), ...places];
  return {
    values: { texts: sorted([...own, ...streams.texts]), numbers: { ...streams.numbers, ...makerNumbers(makerPid) } },
    rest: {
      ...{ ...rest, how, streams: streams.rest },
      asked: { ...asked, spec: withoutRules(request.spec) },
      seccomp: seccomp && { ...seccomp, filter: undefined },
    },
    bytes: seccomp?.filter,
  };
}

/** The rules of a filter are thousands of words, and all in its bytes. */
function withoutRules(spec: RuntimeSpec): RuntimeSpec {
  const { seccomp } = spec.linux ?? {};
  return seccomp === undefined ? spec : { ...spec, linux: { ...spec.linux, seccomp: { ...seccomp, syscalls: [] } } };
}

function makerNumbers(maker: number | undefined): TemplateValues["numbers"] {
  return maker === undefined ? {} : { maker };
}

/** An exec: it has an id beside the container's, whose init has a pid of its own. */
function takeExecApart(plan: ExecPlan): KeptPlan | undefined {
  const { host, initPid, makerPid, stdio, seccomp, state, pinnedInit, ...rest } = plan;
  // It is told of the state, with the pid in words.
  if (seccomp?.listener !== undefined) return undefined;
  const streams = takeStreamsApart(stdio, host);
  const ids = [...idTexts(basename(plan.stateDirectory)), ...idTexts(state.id)];
  const pinned = pinnedInit === undefined ? [] : [descriptorPath(host, pinnedInit)];
  return {
    values: {
      texts: sorted([...ids, ...pinned, ...streams.texts]),
      numbers: { ...streams.numbers, init: initPid, ...makerNumbers(makerPid) },
    },
    rest: {
      ...{ ...rest, streams: streams.rest, isPinned: pinnedInit !== undefined },
      state: { ...state, pid: undefined },
      seccomp: seccomp && { ...seccomp, filter: undefined },
    },
    bytes: seccomp?.filter,
  };
}

/** What names a container or an exec, whole or in short. */
function idTexts(id: string): readonly string[] {
  const short = shortId(id);
  return short === id ? [id] : [id, short];
}

/** Directories of files that were written for this container: they are named after it, and after more than it. */
function fileTexts({ id, spec: { mounts = [] } }: CreateRequest): readonly string[] {
  const own = mounts.flatMap(({ source }) => {
    const at = source?.indexOf(id) ?? -1;
    return source === undefined || at < 0 ? [] : [source.slice(0, at + id.length)];
  });
  return [...new Set(own)].filter((path) => path !== id && PLAIN_PATH.test(path));
}

/** Namespaces that a process holds for this container: see spare-network.ts. */
function holderTexts({ spec: { linux } }: CreateRequest): readonly string[] {
  const paths = (linux?.namespaces ?? []).flatMap(({ path }) => path ?? []);
  return [...new Set(paths)].filter((path) => HELD_BY_PROCESS.test(path));
}

const HELD_BY_PROCESS = /^\/proc\/[1-9]\d*\/ns\/[a-z]+$/;

/** Layers that a process holds: see held-layers.ts. */
function heldTexts(rootfs: RootFilesystem): readonly string[] {
  if (rootfs.kind !== "overlay") return [];
  return rootfs.lower.filter((layer) => typeof layer === "string").filter((layer) => HELD_LAYER.test(layer));
}

const HELD_LAYER = /^\/proc\/[1-9]\d*\/fd\/[1-9]\d*$/;

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

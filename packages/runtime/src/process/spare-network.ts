import { OrlopError, type RuntimeSpec } from "@orlop/core";
import { hostArchitecture, ProgramTemplate } from "@orlop/kernel";
import { endHolder } from "./holder-program.ts";
import type { ZygoteLike } from "./own-zygote.ts";
import { compileSpareNetwork } from "./spare-network-program.ts";

/** The kernel gives a new namespace the settings that hold when it is made (sysctl): an older one may have others. */
const AGE_MAX_MS = 60_000;

const NO_VALUES = { texts: [], numbers: {} };

/** A process that holds a network namespace. */
interface Holder {
  readonly pid: number;
  /** Ends one that nobody has taken. */
  readonly expiry: NodeJS.Timeout;
}

/**
 * A network namespace that is there before a container needs it: the kernel takes 0.4 ms to make one with its loopback
 * device up, most of what it takes for all namespaces. There is one at most, held by a process; it goes when a minute has
 * passed, and with the process that has had it made.
 */
export class SpareNetwork implements Disposable {
  readonly #startZygote: () => ZygoteLike;
  readonly #ageMaxMs: number;
  #zygote: ZygoteLike | undefined;
  #program: ProgramTemplate | undefined;
  #holder: Holder | undefined;
  #isBeingMade = false;
  /** This process may make none, or is to make none any more. */
  #isRefused = false;

  /** @param startZygote starts what makes it; done when one is prepared for the first time, and after its end */
  constructor(startZygote: () => ZygoteLike, ageMaxMs: number = AGE_MAX_MS) {
    this.#startZygote = startZygote;
    this.#ageMaxMs = ageMaxMs;
  }

  /** Whether a container of this config could be in one. Of a user namespace of its own all others are to be. */
  suits({ linux = {} }: RuntimeSpec): boolean {
    const { namespaces = [], netDevices, sysctl = {} } = linux;
    const isNew = namespaces.some(({ type, path }) => type === "network" && path === undefined);
    const isOfOthers = namespaces.some(({ type }) => type === "user");
    const isPlain = netDevices === undefined && !Object.keys(sysctl).some((name) => name.startsWith("net."));
    return isNew && isPlain && !isOfOthers && !this.#isRefused;
  }

  /** Has one made unless there is one, or it is being made. Where that fails there will be none. */
  prepare(): void {
    if (this.#holder !== undefined || this.#isBeingMade || this.#isRefused) return;
    try {
      if (this.#zygote?.alive !== true) this.#zygote = this.#startZygote();
      this.#make(this.#zygote);
    } catch {
      this.#isRefused = true;
    }
  }

  #make(zygote: ZygoteLike): void {
    let pid: number | undefined;
    this.#program ??= new ProgramTemplate(compileSpareNetwork(hostArchitecture()), NO_VALUES);
    zygote.submit(this.#program.fill(NO_VALUES), ({ kind, value }) => {
      if (kind === "failed") this.#isRefused = true;
      if (kind === "started") {
        pid = value;
        this.#keep(pid);
      }
      if (kind === "ended" || kind === "unstarted") {
        if (pid === undefined) this.#isBeingMade = false;
        else if (this.#holder?.pid === pid) this.#forget();
      }
    });
    this.#isBeingMade = true;
  }

  /** Gives it to one container, to which it is as good as new; undefined where there is none, or it does not suit. */
  take(spec: RuntimeSpec): SpareHold | undefined {
    const holder = this.#holder;
    if (holder === undefined || !this.suits(spec)) return undefined;
    this.#forget();
    return new SpareHold(holder.pid, spec);
  }

  /** From here on there is none. */
  [Symbol.dispose](): void {
    this.#isRefused = true;
    this.#forget();
    // All that it has made goes with it.
    this.#zygote?.close();
  }

  #keep(pid: number): void {
    const expire = (): void => {
      this.#forget();
      endHolder(pid);
    };
    this.#isBeingMade = false;
    this.#holder = { pid, expiry: setTimeout(expire, this.#ageMaxMs).unref() };
  }

  #forget(): void {
    clearTimeout(this.#holder?.expiry);
    this.#holder = undefined;
  }
}

/** A spare network namespace that was taken; to be disposed of when the container is in it. */
export class SpareHold implements Disposable {
  /** The container's config, with this one as its network namespace. */
  readonly spec: RuntimeSpec;
  readonly #path: string;
  #pid: number | undefined;

  constructor(pid: number, spec: RuntimeSpec) {
    const path = `/proc/${pid}/ns/net`;
    const { linux = {} } = spec;
    const namespaces = (linux.namespaces ?? []).map((each) => (each.type === "network" ? { ...each, path } : each));
    this.#pid = pid;
    this.#path = path;
    this.spec = { ...spec, linux: { ...linux, namespaces } };
  }

  /** Whether that is why a container could not be made: who held it was killed before. */
  isReasonOf(error: unknown): boolean {
    if (!(error instanceof OrlopError) || error.errno !== "ENOENT") return false;
    return error.operation?.includes(`"${this.#path}"`) === true;
  }

  [Symbol.dispose](): void {
    if (this.#pid !== undefined) endHolder(this.#pid);
    // The number may be another process's from now on.
    this.#pid = undefined;
  }
}

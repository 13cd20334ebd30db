import {
  type BlobOptions,
  type ContentStore,
  type Descriptor,
  type ImageSource,
  type OfferedImage,
  OrlopError,
} from "@orlop/core";
import { type AptSettings, readAptSettings } from "./apt-settings.ts";
import type { DebianListener } from "./debian-event.ts";
import { type DebianRequest, ownArchitecture, parseDebianReference } from "./debian-request.ts";
import { type MadeImage, makeImage } from "./make-image.ts";
import type { ScriptProgram } from "./script-program.ts";
import { Spool } from "./spool.ts";

export interface DebianSourceOptions {
  /** Where what comes from the mirror is kept, so that it comes once; absent: nowhere. */
  readonly store?: ContentStore;
  /** Where the layer is, in a file without a name, until the source is disposed of; absent: where temporary files are. */
  readonly scratchDirectory?: string;
  /** Seconds since 1970, which no file of the image is newer than; absent: `SOURCE_DATE_EPOCH`, else none. */
  readonly sourceDateEpoch?: number;
  /** Absent: what this machine's apt says. */
  readonly settings?: AptSettings;
  /** Milliseconds since 1970; absent: the present. */
  readonly now?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: DebianListener;
  /** Asked, before anything is made, where maintainer scripts are to be run (`scripts=yes`); absent: that is refused. */
  readonly scriptRunner?: () => Promise<RunScripts>;
}

/** An image whose packages are there and wait for their maintainer scripts. */
export interface UnpackedImage {
  readonly source: ImageSource;
  readonly target: Descriptor;
  /** To be run in the image's root file system as root. */
  readonly program: ScriptProgram;
  /** Seconds since 1970: no file of the image is newer, nor is what the scripts write to be. */
  readonly mtime: number;
}

/** Makes an image of an unpacked one by what the scripts write, in a container of whoever gives this. */
export type RunScripts = (unpacked: UnpackedImage) => Promise<ImageSource>;

/**
 * An image of packages of Debian or Ubuntu, from this machine's mirror: `debian:bookworm?packages=busybox-static`
 * ({@link parseDebianReference}). It is made when it is asked for; one with maintainer scripts at once.
 *
 * @throws OrlopError `invalid` for what is no such reference, `unsupported` for scripts that nobody is there to run
 */
export async function openDebianSource(reference: string, options: DebianSourceOptions = {}): Promise<ImageSource> {
  const request = parseDebianReference(reference);
  const settings = options.settings ?? (await readAptSettings(options.signal));
  const source = new DebianSource(reference, request, { ...options, settings });
  if (!request.scripts) return source;
  const { scriptRunner } = options;
  const problem =
    scriptRunner === undefined
      ? "there is no container for them"
      : request.architecture === ownArchitecture()
        ? undefined
        : `they are for ${request.architecture}, and this machine is ${ownArchitecture()}`;
  if (scriptRunner === undefined || problem !== undefined) {
    throw new OrlopError("unsupported", `Cannot run maintainer scripts of "${reference}": ${problem}`);
  }
  await using unpacked = source;
  const runScripts = await scriptRunner();
  return await runScripts(await unpacked.unpacked());
}

class DebianSource implements ImageSource {
  readonly name: string;
  readonly #request: DebianRequest;
  readonly #options: DebianSourceOptions & { readonly settings: AptSettings };
  #spool: Spool | undefined;
  #making: Promise<MadeImage> | undefined;

  constructor(name: string, request: DebianRequest, options: DebianSourceOptions & { readonly settings: AptSettings }) {
    this.name = name;
    this.#request = request;
    this.#options = options;
  }

  async images(signal?: AbortSignal): Promise<readonly OfferedImage[]> {
    this.#making ??= this.#make(signal ?? this.#options.signal);
    return [{ target: (await this.#making).target }];
  }

  /** Of a request with scripts. */
  async unpacked(): Promise<UnpackedImage> {
    this.#making ??= this.#make(this.#options.signal);
    const { target, program, mtime } = await this.#making;
    return { source: this, target, program: program(), mtime };
  }

  async document({ digest }: Descriptor): Promise<Buffer> {
    return (await this.#making)?.documents.get(digest) ?? this.#missing(digest);
  }

  async *blob({ digest }: Descriptor, { range, signal }: BlobOptions = {}): AsyncGenerator<Buffer> {
    const made = await this.#making;
    const { offset, length } = range ?? { offset: 0, length: Number.POSITIVE_INFINITY };
    const document = made?.documents.get(digest);
    if (document !== undefined) {
      yield document.subarray(offset, offset + length);
      return;
    }
    if (made === undefined || this.#spool === undefined || digest !== made.layer.digest) return this.#missing(digest);
    for await (const chunk of this.#spool.read({ offset, length: Math.min(length, made.layer.size - offset) })) {
      signal?.throwIfAborted();
      yield chunk;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#making?.catch(() => {});
    await this.#spool?.[Symbol.asyncDispose]();
  }

  async #make(signal: AbortSignal | undefined): Promise<MadeImage> {
    const { scratchDirectory, sourceDateEpoch, now, settings, store, onEvent } = this.#options;
    this.#spool = await Spool.create(scratchDirectory);
    return await makeImage(this.#request, {
      settings,
      store,
      spool: this.#spool,
      now: now ?? Date.now(),
      sourceDateEpoch: sourceDateEpoch ?? environmentEpoch(process.env.SOURCE_DATE_EPOCH),
      signal,
      onEvent,
    });
  }

  #missing(digest: string): never {
    throw new OrlopError("not-found", `Cannot find blob "${digest}": ${this.name} does not have it`);
  }
}

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function environmentEpoch(value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new OrlopError("invalid", `Cannot use SOURCE_DATE_EPOCH "${value}": it is no number of seconds`);
}

import type { ContentStore, Descriptor, ImageSource, Ingest, Labels } from "@orlop/core";
import { throwIfCancelled } from "./throw-if-cancelled.ts";
import type { PartState } from "./transfer-event.ts";

interface BringOptions {
  readonly content: ContentStore;
  readonly labels?: Labels;
  readonly signal?: AbortSignal;
  readonly onState: (state: PartState, bytes: number) => void;
  /** The blob is on its way: who wants to, follows it. */
  readonly onIngest?: (ingest: Ingest) => void;
  /** Called before those who follow the ingest learn that there is no more to come. */
  readonly onFailure?: (error: unknown) => void;
}

/** Brings a blob from a source into the content store, unless it is there; tells whether it had to. */
export async function bringBlob(
  source: ImageSource,
  descriptor: Descriptor,
  { content, labels, signal, onState, onIngest, onFailure }: BringOptions,
): Promise<"brought" | "exists"> {
  const withSignal = signal === undefined ? {} : { signal };
  throwIfCancelled(signal);
  await using ingest = await content.ingest(descriptor, { ...withSignal, onWait: () => onState("waiting", 0) });
  if (ingest === undefined) {
    if (labels !== undefined) await content.setLabels(descriptor.digest, labels);
    onState("exists", descriptor.size);
    return "exists";
  }
  onIngest?.(ingest);
  let bytes = descriptor.size - ingest.missing().reduce((sum, { length }) => sum + length, 0);
  onState("downloading", bytes);
  const onBytes = (count: number): void => {
    bytes += count;
    onState("downloading", bytes);
  };
  try {
    if (source.download === undefined) await stream(source, descriptor, ingest, { ...withSignal, onBytes });
    else await source.download(descriptor, ingest, { ...withSignal, onBytes });
    onState("verifying", descriptor.size);
    await ingest.commit(labels);
  } catch (error) {
    onFailure?.(error);
    throw error;
  }
  return "brought";
}

interface StreamOptions {
  readonly signal?: AbortSignal;
  readonly onBytes: (count: number) => void;
}

async function stream(
  source: ImageSource,
  descriptor: Descriptor,
  ingest: Ingest,
  { signal, onBytes }: StreamOptions,
): Promise<void> {
  for (const range of ingest.missing()) {
    let { offset } = range;
    const isWhole = range.offset === 0 && range.length === descriptor.size;
    const options = { ...(isWhole ? {} : { range }), ...(signal === undefined ? {} : { signal }) };
    for await (const chunk of source.blob(descriptor, options)) {
      throwIfCancelled(signal);
      await ingest.write(chunk, offset);
      offset += chunk.length;
      onBytes(chunk.length);
    }
  }
}

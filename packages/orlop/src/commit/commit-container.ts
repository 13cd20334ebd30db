import type { Descriptor, Digest, MemberChanges } from "@orlop/core";
import type { Container } from "@orlop/engine";
import { pullImage, readStoredImage } from "@orlop/image";
import { openCommit } from "@orlop/image/commit";
import type { Depot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { applyChanges, type ChangedConfig } from "./apply-changes.ts";

interface CommitRequest {
  readonly container: Container;
  readonly snapshotter: string;
  /** Key of the snapshot that the container writes to. */
  readonly snapshot: string;
  /** Manifest of its image. */
  readonly base: Descriptor;
  /** In full; absent: it gets its digest for one. */
  readonly name: string | undefined;
  readonly author: string | undefined;
  readonly message: string | undefined;
  /** Instructions of a Dockerfile. */
  readonly changes: readonly string[];
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** Reads what has been written. */
  readonly quietly: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Makes an image of what a container has written, and resolves with its id. */
export async function commitContainer(depot: Depot, request: CommitRequest): Promise<Digest> {
  const { container, base, author, message, signal } = request;
  const config = await changedConfig(depot, request);
  using changes = await depot.changes(request.snapshotter, request.snapshot, container);
  await using source = await request.quietly(() =>
    openCommit({
      content: depot.content,
      base,
      entries: changes.entries(),
      config,
      created: new Date(request.nowMs).toISOString(),
      ...(author === undefined ? {} : { author }),
      history: {
        created_by: [...(container.config.Entrypoint ?? []), ...(container.config.Cmd ?? [])].join(" "),
        ...(message === undefined ? {} : { comment: message }),
      },
      signal,
    }),
  );
  const name = request.name ?? source.image.target.digest;
  const { platform } = source;
  await pullImage(source, depot, source.image, { name, platform, snapshotter: await depot.snapshotter(), signal });
  return source.configDigest;
}

/** What an image starts with that containers, or instructions, can have otherwise. */
const MEMBERS = [
  "Cmd",
  "Entrypoint",
  "Env",
  "ExposedPorts",
  "Healthcheck",
  "Labels",
  "OnBuild",
  "StopSignal",
  "User",
  "Volumes",
  "WorkingDir",
] as const;

async function changedConfig(
  depot: Depot,
  { base, container, changes }: CommitRequest,
): Promise<MemberChanges<ChangedConfig>> {
  const { content } = await readStoredImage(depot.content, base, ownPlatform());
  const {
    Cmd: _cmd,
    Entrypoint: _entrypoint,
    Env: _env,
    User: _user,
    WorkingDir: _dir,
    ...rest
  } = content.config ?? {};
  const config = applyChanges({ ...rest, ...container.config }, changes);
  return Object.fromEntries(MEMBERS.map((name) => [name, config[name]]));
}

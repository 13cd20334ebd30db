import type { ImageExecutionConfig } from "@orlop/core";
import type { ImageOrigin } from "../image/image.ts";
import type { ImageReference } from "../image/image-reference.ts";

/** What other processes know of a container for as long as somebody looks after it. */
export interface ContainerRecord {
  /** Name of the runtime that makes it. */
  readonly runtime: string;
  /** Where its root file system comes from. */
  readonly image: ImageReference["kind"];
  readonly origin?: ImageOrigin;
  /** What its image would have to say to start the same. */
  readonly config: Pick<ImageExecutionConfig, "User" | "Env" | "Entrypoint" | "Cmd" | "WorkingDir">;
  /** Absolute paths of what is mounted in it and was not asked for. */
  readonly mountPoints: readonly string[];
}

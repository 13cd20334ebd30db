import { MEDIA_TYPE_IMAGE_LAYER, MEDIA_TYPE_IMAGE_LAYER_GZIP, MEDIA_TYPE_IMAGE_LAYER_ZSTD } from "@orlop/core";
import type { Compression } from "./compression.ts";

/** What layers are that are compressed so; for other ways there is no media type. */
export const LAYER_MEDIA_TYPES: ReadonlyMap<Compression, string> = new Map([
  ["none", MEDIA_TYPE_IMAGE_LAYER],
  ["gzip", MEDIA_TYPE_IMAGE_LAYER_GZIP],
  ["zstd", MEDIA_TYPE_IMAGE_LAYER_ZSTD],
]);

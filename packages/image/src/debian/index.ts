export type { DebianEvent, DebianListener } from "./debian-event.ts";
export {
  type DebianSourceOptions,
  openDebianSource,
  type RunScripts,
  type UnpackedImage,
} from "./open-debian-source.ts";

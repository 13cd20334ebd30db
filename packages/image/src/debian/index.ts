export type { DebianEvent, DebianListener } from "./debian-event.ts";
export { type DebianSourceOptions, openDebianSource } from "./open-debian-source.ts";

import { arch } from "node:os";
import type { Platform } from "@orlop/core";

/** Go's names for processors, as images use them. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** What images for this machine say that they are for. */
export function ownPlatform(): Platform {
  return { os: "linux", architecture: ARCHITECTURES[arch()] ?? arch() };
}

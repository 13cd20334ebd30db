import { erofsObstacle } from "./erofs/erofs-support.ts";
import { fileSystemType, imageObstacle, upperObstacle } from "./mounts/store-file-system.ts";
import { userOverlayObstacle } from "./overlay/user-overlay-support.ts";

/** The snapshotter of orlop's own that fits this machine, this user, and the file system that a directory is on or will be. */
export function fittingSnapshotter(directory: string): "erofs" | "overlay" | "native" {
  const type = fileSystemType(directory);
  if (upperObstacle(type) !== undefined) return "native";
  if (process.geteuid?.() === 0) return (erofsObstacle() ?? imageObstacle(type)) === undefined ? "erofs" : "overlay";
  return userOverlayObstacle() === undefined ? "overlay" : "native";
}

import { OrlopError } from "@orlop/core";
import { checkBlockfile } from "./blockfile/check-blockfile.ts";
import { checkBtrfs } from "./btrfs/check-btrfs.ts";
import { checkDevmapper } from "./devmapper/check-devmapper.ts";
import { erofsObstacle } from "./erofs/erofs-support.ts";
import { TRY_FOR_ORDINARY_USERS } from "./for-ordinary-users.ts";
import { fileSystemType, imageObstacle } from "./mounts/store-file-system.ts";
import { unknownSnapshotter } from "./open-snapshotter.ts";
import { userOverlayObstacle } from "./overlay/user-overlay-support.ts";

/**
 * Whether a user may name a snapshotter of orlop's own here, where containers are to have it. Opening one does not ask for as
 * much, as what another user, kernel or time has left is looked at and removed with it. Nothing is made.
 *
 * @param directory of this snapshotter alone; need not be there yet
 * @throws OrlopError `unsupported` for one that there is not, or that nothing could be mounted of, `invalid` for its settings
 */
export function checkSnapshotter(name: string, directory: string): void {
  const isRoot = process.geteuid?.() === 0;
  switch (/^(?:blockfile|devmapper)(?=:)/.exec(name)?.[0] ?? name) {
    case "erofs":
    case "erofs:tar-index": {
      const forRoot = "the kernel mounts EROFS only for root of the machine, not in a user namespace";
      if (!isRoot) refuse(name, forRoot, TRY_FOR_ORDINARY_USERS);
      const obstacle = erofsObstacle() ?? imageObstacle(fileSystemType(directory));
      if (obstacle !== undefined) refuse(name, obstacle, "Try overlay.");
      return;
    }
    case "overlay": {
      const obstacle = isRoot ? undefined : userOverlayObstacle();
      if (obstacle !== undefined) refuse(name, obstacle, "Try native.");
      return;
    }
    case "native":
      return;
    case "btrfs":
      checkBtrfs(directory);
      return;
    case "blockfile":
      checkBlockfile(name);
      return;
    case "devmapper":
      checkDevmapper(name, directory);
      return;
    default:
      throw unknownSnapshotter(name);
  }
}

function refuse(name: string, what: string, way: string): never {
  throw new OrlopError("unsupported", `Cannot use snapshotter "${name}": ${what}\n${way}`);
}

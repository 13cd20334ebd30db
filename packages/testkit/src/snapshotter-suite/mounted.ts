import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { SnapshotMount } from "@orlop/core";
import { loopDevice } from "./loop-device.ts";

const RANGE = /\{\{ overlay (\d+) (\d+) \}\}/g;
const ONE = /\{\{ mount (\d+) \}\}/g;

/**
 * Makes a snapshot's mounts with mount(8), as containerd would, in directories below `place`; disposing unmounts them. mount(8)
 * makes a loop device of an image, beside which the kernel takes no plain file for a second device: that is one, too.
 */
export function mounted(mounts: readonly SnapshotMount[], place: string): Disposable & { readonly path: string } {
  using stack = new DisposableStack();
  mkdirSync(place);
  const targets = mounts.map((_, index) => join(place, `${index}`));
  const expand = (text: string): string =>
    text
      .replaceAll(RANGE, (_, from: string, to: string) => targets.slice(Number(from), Number(to) + 1).join(":"))
      .replaceAll(ONE, (_, index: string) => targets[Number(index)] ?? "");
  for (const [index, { type, source, options }] of mounts.entries()) {
    const target = targets[index] ?? "";
    mkdirSync(target);
    const kind = type.startsWith("format/") ? type.slice("format/".length) : type;
    const words = kind === "bind" ? [] : ["-t", kind];
    const given = options.map((option) => {
      const file = kind === "erofs" ? /^device=(.*)$/s.exec(option)?.[1] : undefined;
      if (file !== undefined) return `device=${stack.use(loopDevice(file)).path}`;
      return type === kind ? option : expand(option);
    });
    execFileSync("mount", [...words, "-o", given.join(","), source, target], { stdio: "pipe" });
    stack.defer(() => execFileSync("umount", [target]));
  }
  const done = stack.move();
  return { path: targets.at(-1) ?? "", [Symbol.dispose]: () => done.dispose() };
}

import { after } from "node:test";
import { tryLoopDisk } from "@orlop/testkit";
import { killSuite } from "../store/kill-suite-fixture.ts";
import { makeWritable } from "./btrfs-fixture.ts";

const disk = tryLoopDisk({ type: "btrfs", sizeBytes: 512 * 1024 * 1024 });
const [parent, obstacle] = typeof disk === "string" ? [undefined, disk] : [disk.path, undefined];
after(() => typeof disk !== "string" && disk[Symbol.dispose]());

killSuite("btrfs", { obstacle, parent, finish: makeWritable });

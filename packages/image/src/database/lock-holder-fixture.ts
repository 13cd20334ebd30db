import { FileLock } from "./file-lock.ts";

/** A process of its own: takes the lock of its argument, says so, and holds it until it is ended. */
const lock = await FileLock.take(process.argv[2] ?? "");
process.stdout.write("held\n");
process.stdin.on("end", () => lock[Symbol.dispose]()).resume();

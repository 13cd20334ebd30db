import { statSync } from "node:fs";
import type { SystemCalls } from "../system/system-calls.ts";

/** What is copied by one call, while there is as much before the next hole; */
const PIECE_BYTES = 1 << 20;
/** and otherwise: no file system has smaller holes that matter. */
const BLOCK_BYTES = 4096;

/**
 * Copies a file to one that is not there yet, without its holes (SEEK_DATA), by the kernel alone (copy_file_range). Nobody may
 * write to it meanwhile.
 */
export async function copySparseFile(system: SystemCalls, from: string, to: string): Promise<void> {
  const { size } = statSync(from);
  await system.run(`copy "${from}" to "${to}"`, (p) => {
    const [source, target, at, hole, end] = [
      p.slot("source"),
      p.slot("target"),
      p.slot("at"),
      p.slot("hole"),
      p.slot("end"),
    ];
    const copied = p.slot("copied");
    const [next, piece, block, written, done] = [
      p.label("next data"),
      p.label("copy a piece"),
      p.label("copy a block"),
      p.label("written"),
      p.label("no more data"),
    ];
    // copy_file_range(2) moves these on.
    const [input, output] = [p.buffer(8, "{at}"), p.buffer(8, "{at}")];
    const here = p.flags("AT_FDCWD");
    p.call("openat", [here, p.text(from), p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: source });
    p.call("openat", [here, p.text(to), p.flags("O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC"), 0o600], { into: target });
    p.call("ftruncate", [target, p.number(size)]);
    p.set(at, 0);
    p.mark(next);
    p.call("lseek", [source, at, p.flags("SEEK_DATA")], { into: at, on: ["ENXIO"], goto: done });
    p.call("lseek", [source, at, p.flags("SEEK_HOLE")], { into: hole });
    p.store(input, 8, at);
    p.store(output, 8, at);
    p.mark(piece);
    p.add(end, at, PIECE_BYTES);
    p.branch(hole, "lt", end, block);
    p.call("copy_file_range", [source, input, target, output, PIECE_BYTES, 0], { into: copied });
    p.jump(written);
    p.mark(block);
    p.call("copy_file_range", [source, input, target, output, BLOCK_BYTES, 0], { into: copied });
    p.mark(written);
    // It has become shorter meanwhile.
    p.branch(copied, "eq", 0, done);
    p.load(at, input, 8);
    p.branch(at, "lt", hole, piece);
    p.jump(next);
    p.mark(done);
  });
}

import { closeSync, constants, openSync, readFileSync } from "node:fs";

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** A file of a container's directory. What lies there instead, a link or a FIFO, leads nowhere and keeps nobody waiting. */
export function readStateFile(path: string): Buffer {
  const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

import { setFlagsFromString } from "node:v8";

/** How many ask for it at the moment. */
let asking = 0;

/**
 * Has V8 collect garbage without marking in small steps beforehand, until it is disposed of. What streams through a process are
 * buffers outside of a small heap: every few of them V8 begins to mark anew, which is a quarter of the processor time of a pull.
 *
 * It must not be left so: V8 writes its flags into compiled code that is kept for the next process, and that would refuse it.
 */
export function collectInOneGo(): Disposable {
  if (asking++ === 0) setFlagsFromString("--no-incremental-marking");
  return {
    [Symbol.dispose]() {
      if (--asking === 0) setFlagsFromString("--incremental-marking");
    },
  };
}

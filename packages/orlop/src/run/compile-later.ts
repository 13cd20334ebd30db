/** V8's own numbers: its flag-definitions.h. */
const FLAGS = [
  { name: "invocation-count-for-maglev", usual: 400, later: 20_000 },
  { name: "baseline-batch-compilation-threshold", usual: 4096, later: 200_000 },
] as const;

/** Of Node, with a V8 that has these flags and these numbers. */
const KNOWN_VERSION = "26.";

/** How many ask for it at the moment. */
let asking = 0;

/**
 * Has V8 go on interpreting what runs a few hundred times, until it is disposed of: what makes one container is over before
 * compiled code has given back a tenth of the time that it takes to compile it, which the other processor could use as well.
 *
 * It must not be left so, nor begin with the process: V8 writes its flags into compiled code that is kept for the next process, and
 * with other ones it refuses that, as it does what Node has compiled of its modules.
 */
export function compileLater(): Disposable {
  if (asking++ === 0) setFlags("later");
  return {
    [Symbol.dispose]() {
      if (--asking === 0) setFlags("usual");
    },
  };
}

function setFlags(which: "usual" | "later"): void {
  // Another V8 would complain of what it does not know.
  if (!process.versions.node.startsWith(KNOWN_VERSION)) return;
  // Loaded no sooner: most commands make no container.
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  for (const flag of FLAGS) setFlagsFromString(`--${flag.name}=${flag[which]}`);
}

import { BorrowedFlags } from "./borrowed-flags.ts";

/** The usual ones are V8's own numbers: its flag-definitions.h. */
const LATER = ["--invocation-count-for-maglev=20000", "--baseline-batch-compilation-threshold=200000"];
const USUAL = ["--invocation-count-for-maglev=400", "--baseline-batch-compilation-threshold=4096"];

/** Of Node, with a V8 that has these flags and these numbers: another one would complain of what it does not know. */
const isKnown = process.versions.node.startsWith("26.");

const flags = new BorrowedFlags(isKnown ? LATER : [], isKnown ? USUAL : []);

/**
 * Has V8 go on interpreting what runs a few hundred times, until it is disposed of: what makes one container is over before
 * compiled code has given back a tenth of the time that it takes to compile it, which the other processor could use as well.
 * Nor may the process begin so: V8 would refuse what Node has compiled of its modules.
 */
export function compileLater(): Disposable {
  return flags.borrow();
}

/**
 * An integer of the spec's type `int64`. A `number` wherever a double holds it exactly, a `bigint` beyond
 * `Number.MAX_SAFE_INTEGER`: 2^63 - 1 is a common way to write "no limit", and a double would round it to 2^63,
 * which the kernel refuses. The decoders never produce a `bigint` for a value that fits a `number`.
 */
export type Int64 = number | bigint;

/**
 * An integer of the spec's type `uint64`, with the same split as {@link Int64}. `RLIM_INFINITY` (2^64 - 1) is
 * always a `bigint`.
 */
export type Uint64 = number | bigint;

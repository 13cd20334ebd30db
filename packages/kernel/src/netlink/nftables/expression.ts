import { type AttributeRows, AttributeTable, NLA_F_NESTED } from "../attributes.ts";
import { type Variant, VariantTable } from "../variant.ts";
import { type Counter, counter, type Limit, type Log, limit, log } from "./expressions/accounting.ts";
import {
  type Bitwise,
  type ByteOrder,
  bitwise,
  byteOrder,
  type Immediate,
  immediate,
} from "./expressions/arithmetic.ts";
import { type Comparison, comparison, type Range, range } from "./expressions/comparison.ts";
import { type ConntrackField, conntrackField } from "./expressions/conntrack-field.ts";
import { type Fib, fib } from "./expressions/fib.ts";
import { type Lookup, lookup } from "./expressions/lookup.ts";
import { type Meta, meta } from "./expressions/meta.ts";
import { type Payload, payload } from "./expressions/payload.ts";
import { type Reject, reject } from "./expressions/reject.ts";
import {
  type Masquerade,
  masquerade,
  type Redirect,
  redirect,
  type Translation,
  translation,
} from "./expressions/translation.ts";

/** Expressions by the kernel's names for them. */
export interface ExpressionKinds {
  readonly meta: Meta;
  readonly payload: Payload;
  readonly cmp: Comparison;
  readonly range: Range;
  readonly bitwise: Bitwise;
  readonly byteorder: ByteOrder;
  readonly immediate: Immediate;
  readonly lookup: Lookup;
  readonly ct: ConntrackField;
  readonly nat: Translation;
  readonly masq: Masquerade;
  readonly redir: Redirect;
  readonly counter: Counter;
  readonly limit: Limit;
  readonly log: Log;
  readonly fib: Fib;
  readonly reject: Reject;
  readonly notrack: Readonly<Record<never, never>>;
}

/** One step of a rule: `{ kind: "meta", data: { key: "iifname", dreg: 1 } }`. */
export type Expression = Variant<ExpressionKinds>;

const noRows: AttributeRows<Readonly<Record<never, never>>> = {};

/** The expressions that we can read and write; others are read as `unknown`, with their bytes. */
export const expression: VariantTable<ExpressionKinds> = new VariantTable<ExpressionKinds>(
  {
    kind: { kernel: "NFTA_EXPR_NAME", type: 1, terminated: true },
    data: { kernel: "NFTA_EXPR_DATA", type: 2, flags: NLA_F_NESTED },
  },
  {
    meta,
    payload,
    cmp: comparison,
    range,
    bitwise,
    byteorder: byteOrder,
    immediate,
    lookup,
    ct: conntrackField,
    nat: translation,
    masq: masquerade,
    redir: redirect,
    counter,
    limit,
    log,
    fib,
    reject,
    notrack: new AttributeTable<Readonly<Record<never, never>>>("linux/netfilter/nf_tables.h", noRows),
  },
);

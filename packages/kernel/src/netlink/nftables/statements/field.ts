import { parseIpPrefix, prefixMask } from "../../ip-address.ts";
import { type DataValue, dataTypes, encodeValue } from "../data-types.ts";
import type { Expression } from "../expression.ts";
import type { comparisonOperators } from "../expressions/comparison.ts";
import { NFT_REG_1 } from "../register.ts";
import type { RuleContext, Statement } from "../rule-context.ts";
import { describeSet } from "../set.ts";
import { type MappedValue, refuse, Selector, type SelectorPart } from "./selector.ts";

export interface FieldDescription extends SelectorPart {
  /** Loads the first bytes only, for prefixes that end with a byte. */
  readonly loadStart?: (register: number, bytes: number) => Expression;
  /** Writes a register to the field. */
  readonly store?: (register: number) => Expression;
}

type Operator = keyof typeof comparisonOperators;

/** A single field, with the comparisons that it allows. Values are those of the field's type. */
export class Field extends Selector {
  readonly #description: FieldDescription;

  constructor(description: FieldDescription) {
    super([description]);
    this.#description = description;
  }

  /** Equal; for addresses also a prefix (`10.0.0.0/8`), for interface names also a start (`veth*`). */
  is(value: DataValue): Statement {
    return (context) => this.#equals(context, "eq", value);
  }

  isNot(value: DataValue): Statement {
    return (context) => this.#equals(context, "neq", value);
  }

  /** Greater than; `least`, `below` and `most` are the other three. */
  above(value: DataValue): Statement {
    return (context) => this.#ordered(context, [["gt", value]]);
  }

  least(value: DataValue): Statement {
    return (context) => this.#ordered(context, [["gte", value]]);
  }

  below(value: DataValue): Statement {
    return (context) => this.#ordered(context, [["lt", value]]);
  }

  most(value: DataValue): Statement {
    return (context) => this.#ordered(context, [["lte", value]]);
  }

  /** Both ends belong to it. */
  between(from: DataValue, to: DataValue): Statement {
    return (context) =>
      this.#ordered(context, [
        ["gte", from],
        ["lte", to],
      ]);
  }

  notBetween(from: DataValue, to: DataValue): Statement {
    return (context) => {
      const { type } = this.#description;
      const ends = { from: { value: this.#ordinal(from) }, to: { value: this.#ordinal(to) } };
      return [
        ...this.#loaded(context),
        ...inNetworkOrder(type),
        { kind: "range", data: { sreg: NFT_REG_1, operator: "neq", ...ends } },
      ];
    };
  }

  /** At least one of these bits is set: `ct.state.has("established", "related")`. */
  has(...bits: readonly string[]): Statement {
    return (context) => this.#masked(context, encodeValue(this.#description.type, bits), "neq", undefined);
  }

  /** None of these bits is set. */
  hasNone(...bits: readonly string[]): Statement {
    return (context) => this.#masked(context, encodeValue(this.#description.type, bits), "eq", undefined);
  }

  /** Of the bits in `mask`, exactly those of `value` are set: `meta.mark.isUnderMask(0xff, 5)`. */
  isUnderMask(mask: DataValue, value: DataValue): Statement {
    return (context) => {
      const { type } = this.#description;
      return this.#masked(context, encodeValue(type, mask), "eq", encodeValue(type, value));
    };
  }

  /** Writes a constant to the field. */
  setTo(value: DataValue): Statement {
    return (context) => [
      ...this.#description.require(context),
      { kind: "immediate", data: { dreg: NFT_REG_1, data: { value: encodeValue(this.#description.type, value) } } },
      this.#stored(),
    ];
  }

  /** Writes another field's value to this one: `meta.mark.copyFrom(ct.mark)`. */
  copyFrom(source: Field): Statement {
    return (context) => {
      if (source.#description.type !== this.#description.type) {
        refuse(this, `it is ${this.#description.type}, and ${source.name} is ${source.#description.type}`);
      }
      return [...this.#description.require(context), ...source.#loaded(context), this.#stored()];
    };
  }

  /** Writes what a map has to the field: `ct.mark.setFrom(meta.iifname.mappedBy(marks))`; without an entry the rule ends here. */
  setFrom({ map, load }: MappedValue): Statement {
    return (context) => {
      const { type } = this.#description;
      if (map.value !== "verdict" && map.value?.join(" . ") !== type) {
        refuse(this, `it is ${type}, and the values of "${describeSet(map)}" are ${map.value?.join(" . ")}`);
      }
      return [...this.#description.require(context), ...load(context), this.#stored()];
    };
  }

  /** The check that the field equals a value; nothing when the rule has checked it already. */
  ensure(context: RuleContext, value: string | number): readonly Expression[] {
    return context.checked.has(checkKey(this, value)) ? [] : this.#equals(context, "eq", value);
  }

  #equals(context: RuleContext, operator: "eq" | "neq", value: DataValue): readonly Expression[] {
    const { type } = this.#description;
    if (typeof value === "string" && type.startsWith("ipv") && value.includes("/")) {
      return this.#prefix(context, operator, value);
    }
    if (typeof value === "string" && type === "ifname" && value.endsWith("*")) {
      const start = new TextEncoder().encode(value.slice(0, -1));
      if (start.length === 0 || start.length >= dataTypes.ifname.sizeBytes)
        refuse(this, `"${value}" is no start of a name`);
      return [...this.#loaded(context), compare(operator, start)];
    }
    const expressions = [...this.#loaded(context), compare(operator, encodeValue(type, value))];
    if (operator === "eq") {
      context.checked.add(checkKey(this, value));
      if (this.name === "meta l4proto") context.checked.add("l4proto");
    }
    return expressions;
  }

  #prefix(context: RuleContext, operator: "eq" | "neq", text: string): readonly Expression[] {
    const { type, loadStart, require } = this.#description;
    const prefix = parseIpPrefix(text);
    const size = dataTypes[type].sizeBytes;
    if (prefix.bytes.length !== size) refuse(this, `"${text}" is not of its IP version`);
    const { prefixLength } = prefix;
    if (prefixLength === 0) {
      if (operator === "neq") refuse(this, `every address is in "${text}"`);
      return require(context);
    }
    const mask = prefixMask(prefixLength, size);
    const network = prefix.bytes.map((byte, index) => byte & (mask[index] ?? 0));
    if (prefixLength % 8 === 0 && loadStart !== undefined) {
      const bytes = prefixLength / 8;
      return [...require(context), loadStart(NFT_REG_1, bytes), compare(operator, network.slice(0, bytes))];
    }
    return this.#masked(context, mask, operator, network);
  }

  #ordered(context: RuleContext, comparisons: readonly (readonly [Operator, DataValue])[]): Expression[] {
    return [
      ...this.#loaded(context),
      ...inNetworkOrder(this.#description.type),
      ...comparisons.map(([operator, value]) => compare(operator, this.#ordinal(value))),
    ];
  }

  /** The bytes of a value such that comparing them from the left compares the values. */
  #ordinal(value: DataValue): Uint8Array {
    const bytes = encodeValue(this.#description.type, value);
    return dataTypes[this.#description.type].byteOrder === "host" ? bytes.reverse() : bytes;
  }

  #masked(context: RuleContext, mask: Uint8Array, operator: "eq" | "neq", value: Uint8Array | undefined): Expression[] {
    const zero = new Uint8Array(mask.length);
    const [data, length] = [{ mask: { value: mask }, xor: { value: zero } }, mask.length];
    return [
      ...this.#loaded(context),
      { kind: "bitwise", data: { sreg: NFT_REG_1, dreg: NFT_REG_1, length, ...data } },
      compare(operator, value ?? zero),
    ];
  }

  #loaded(context: RuleContext): Expression[] {
    return [...this.#description.require(context), this.#description.load(NFT_REG_1)];
  }

  #stored(): Expression {
    const { store } = this.#description;
    return store === undefined ? refuse(this, "it cannot be set") : store(NFT_REG_1);
  }
}

function compare(operator: Operator, value: Uint8Array): Expression {
  return { kind: "cmp", data: { sreg: NFT_REG_1, operator, data: { value } } };
}

function checkKey(field: Field, value: DataValue): string {
  return `${field.name}=${value}`;
}

/** Comparisons for order go from the first byte on, so host-order values are turned around first. */
function inNetworkOrder(type: FieldDescription["type"]): Expression[] {
  const { byteOrder, sizeBytes } = dataTypes[type];
  if (byteOrder === "network" || sizeBytes === 1) return [];
  const registers = { sreg: NFT_REG_1, dreg: NFT_REG_1 };
  return [{ kind: "byteorder", data: { ...registers, operator: "hostToNetwork", length: sizeBytes, size: sizeBytes } }];
}

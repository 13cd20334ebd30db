import { OrlopError } from "@orlop/core";
import type { FlagNames } from "../../choices.ts";
import { nftablesDataMaxBytes } from "../../limits.ts";
import { concatenationBytes, type DataTypeName, dataTypes, paddedBytes } from "../data-types.ts";
import type { Expression } from "../expression.ts";
import type { lookupFlagNames } from "../expressions/lookup.ts";
import { NFT_REG_1, NFT_REG_VERDICT, NFT_REG32_00 } from "../register.ts";
import type { RuleContext, Statement } from "../rule-context.ts";
import { describeSet, type SetDefinition, wireSetName } from "../set.ts";

/** One thing that a rule can look at: how it gets into a register, and what must be checked first. */
export interface SelectorPart {
  /** As nft(8) has it: `tcp dport`. */
  readonly name: string;
  readonly type: DataTypeName;
  readonly load: (register: number) => Expression;
  /** Checks without which the value would mean something else: `meta l4proto tcp` for `tcp dport`. */
  readonly require: (context: RuleContext) => readonly Expression[];
}

/** A value that a map gives, in registers from `NFT_REG_1` on. */
export interface MappedValue {
  readonly map: SetDefinition;
  readonly load: Statement;
}

/** One field, or several that are looked up together (`ip saddr . tcp dport`). */
export class Selector {
  readonly parts: readonly SelectorPart[];

  constructor(parts: readonly SelectorPart[]) {
    this.parts = parts;
  }

  /** As nft(8) has it: `ip saddr . tcp dport`. */
  get name(): string {
    return this.parts.map(({ name }) => name).join(" . ");
  }

  /** The rule goes on when the set has the value. */
  in(set: SetDefinition): Statement {
    return (context) => this.#lookup(context, set, {});
  }

  /** The rule goes on when the set does not have the value. */
  notIn(set: SetDefinition): Statement {
    return (context) => this.#lookup(context, set, { flags: ["NFT_LOOKUP_F_INV"] });
  }

  /** The map says what becomes of the packet; without an entry the rule ends here. */
  verdictFrom(map: SetDefinition): Statement {
    return (context) => {
      if (map.value !== "verdict") refuse(this, `map "${describeSet(map)}" does not hold verdicts`);
      return this.#lookup(context, map, { dreg: NFT_REG_VERDICT });
    };
  }

  /** What the map has for the value, for `dnat` and `snat`; without an entry the rule ends here. */
  mappedBy(map: SetDefinition): MappedValue {
    return {
      map,
      load: (context) => {
        if (map.value === undefined || map.value === "verdict") {
          refuse(this, `"${describeSet(map)}" is no map with values`);
        }
        return this.#lookup(context, map, { dreg: NFT_REG_1 });
      },
    };
  }

  #lookup(
    context: RuleContext,
    set: SetDefinition,
    more: { dreg?: number; flags?: FlagNames<typeof lookupFlagNames> },
  ): Expression[] {
    const types = this.parts.map(({ type }) => type);
    if (types.join(" . ") !== set.key.join(" . ")) {
      refuse(this, `it is ${types.join(" . ")}, and the keys of "${describeSet(set)}" are ${set.key.join(" . ")}`);
    }
    if (concatenationBytes(types) > nftablesDataMaxBytes) {
      refuse(this, `it takes more than nftablesDataMaxBytes, ${nftablesDataMaxBytes}`);
    }
    const required = this.parts.flatMap((part) => part.require(context));
    if (this.parts.some(({ name }) => name === "meta l4proto") && more.flags === undefined)
      context.checked.add("l4proto");
    const id = set.id === undefined ? {} : { setId: set.id };
    return [
      ...required,
      ...this.#loads(),
      { kind: "lookup", data: { sreg: NFT_REG_1, ...more, set: wireSetName(set), ...id } },
    ];
  }

  #loads(): Expression[] {
    let words = 0;
    return this.parts.map((part) => {
      // The same place under its older number, which older kernels want.
      const register = words === 0 ? NFT_REG_1 : NFT_REG32_00 + words;
      words += paddedBytes(dataTypes[part.type].sizeBytes) / 4;
      return part.load(register);
    });
  }
}

/** Several fields that are looked up together. */
export function concatenate(...selectors: readonly Selector[]): Selector {
  return new Selector(selectors.flatMap(({ parts }) => parts));
}

/** Refuses what a caller asked of a selector. */
export function refuse(selector: Selector, reason: string): never {
  throw new OrlopError("invalid", `Cannot match "${selector.name}": ${reason}`, { operation: "encode rule" });
}

import { TemplateFault } from "./template-fault.ts";
import { isList, typeName, type Value } from "./value.ts";
import { floatText, paddedExponent, valueText } from "./value-text.ts";

const WIDTH_MAX = 10_000;

interface Directive {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly verb: string;
}

/**
 * Go's `Sprintf`, for the verbs that JSON's kinds of values have: `%v %s %q %d %b %o %x %X %c %U %t %e %E %f %F %g %G %T`, with
 * flags, width and precision. As there, what does not fit shows in the text: `%!d(string=x)`.
 *
 * @throws TemplateFault for a width that an argument gives (`%*d`) or that is too large
 */
export function sprintf(format: string, args: readonly Value[]): string {
  let used = 0;
  const text = format.replaceAll(/%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(.|$)/gsu, (...match: readonly string[]) => {
    const [, flags = "", width, precision, verb = ""] = match;
    if (width === "*" || precision === "*") throw new TemplateFault("printf takes no width from an argument");
    if (verb === "%") return "%";
    if (verb === "") return "%!(NOVERB)";
    const value = args[used];
    used += 1;
    if (value === undefined) return `%!${verb}(MISSING)`;
    const directive: Directive = {
      flags,
      width: bounded(width ?? "0"),
      precision: precision === undefined ? undefined : bounded(precision || "0"),
      verb,
    };
    return directiveText(directive, value);
  });
  if (used >= args.length) return text;
  const extra = args.slice(used).map((value) => (value === null ? "<nil>" : `${typeName(value)}=${valueText(value)}`));
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

function bounded(digits: string): number {
  const value = Number(digits);
  if (value <= WIDTH_MAX) return value;
  throw new TemplateFault(`printf takes a width of up to ${WIDTH_MAX}, not ${digits}`);
}

function directiveText(directive: Directive, value: Value): string {
  const { verb } = directive;
  if (verb === "T") return padded(directive, value === null ? "<nil>" : typeName(value));
  if (isList(value) && verb !== "v") {
    return `[${value.map((each) => directiveText(directive, each)).join(" ")}]`;
  }
  const text = verbText(directive, value);
  if (text !== undefined) return padded(directive, text);
  return value === null ? `%!${verb}(<nil>)` : `%!${verb}(${typeName(value)}=${valueText(value)})`;
}

/** Undefined where the verb does not fit the value. */
function verbText(directive: Directive, value: Value): string | undefined {
  const { verb, flags } = directive;
  if (verb === "v") return flags.includes("+") && isNumber(value) ? signed(valueText(value), flags) : valueText(value);
  if (typeof value === "string") return stringVerb(directive, value);
  if (typeof value === "boolean") return verb === "t" ? String(value) : undefined;
  if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value) && !/[eEfFgG]/.test(verb))) {
    return integerVerb(directive, BigInt(value));
  }
  if (typeof value === "number") return floatVerb(directive, value);
  return value !== null && verb === "s" ? valueText(value) : undefined;
}

function isNumber(value: Value): boolean {
  return typeof value === "number" || typeof value === "bigint";
}

function stringVerb({ verb, precision, flags }: Directive, value: string): string | undefined {
  const cut = precision === undefined ? value : [...value].slice(0, precision).join("");
  switch (verb) {
    case "s":
      return cut;
    case "q":
      return flags.includes("#") && !/[`\p{Cc}]/u.test(cut) ? `\`${cut}\`` : quoted(cut);
    case "x":
    case "X": {
      const hex = Buffer.from(value).subarray(0, precision).toString("hex");
      return verb === "x" ? hex : hex.toUpperCase();
    }
    default:
      return undefined;
  }
}

/** A text between double quotes, as Go would read it. */
function quoted(text: string): string {
  const named: Readonly<Record<string, string>> = { "\x07": "\\a", "\v": "\\v" };
  return JSON.stringify(text).replaceAll(/\\u([0-9a-f]{4})|\x7f/g, (unit, hex: string | undefined) => {
    const code = hex === undefined ? 0x7f : Number.parseInt(hex, 16);
    return named[String.fromCharCode(code)] ?? (code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : unit);
  });
}

const BASES: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, x: 16, X: 16 };

function integerVerb({ verb, flags, precision }: Directive, value: bigint): string | undefined {
  if (verb === "c") return character(value);
  if (verb === "q") return `'${character(value)}'`;
  if (verb === "U") return `U+${value.toString(16).toUpperCase().padStart(4, "0")}`;
  const base = Object.hasOwn(BASES, verb) ? BASES[verb] : undefined;
  if (base === undefined) return undefined;
  const size = value < 0n ? -value : value;
  const digits = size.toString(base).padStart(precision ?? 0, "0");
  const prefix = flags.includes("#") && base === 16 ? "0x" : "";
  const text = `${value < 0n ? "-" : ""}${prefix}${digits}`;
  return signed(verb === "X" ? text.toUpperCase() : text, flags);
}

function character(value: bigint): string {
  return value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)) : "\ufffd";
}

function floatVerb({ verb, flags, precision }: Directive, value: number): string | undefined {
  if (!Number.isFinite(value)) return signed(floatText(value), flags);
  const digits = Math.min(precision ?? 6, 100);
  switch (verb) {
    case "e":
    case "E": {
      const text = signed(paddedExponent(value.toExponential(digits)), flags);
      return verb === "E" ? text.toUpperCase() : text;
    }
    case "f":
    case "F":
      return signed(value.toFixed(digits), flags);
    case "g":
    case "G": {
      const text = signed(precision === undefined ? floatText(value) : generalText(value, precision), flags);
      return verb === "G" ? text.toUpperCase() : text;
    }
    default:
      return undefined;
  }
}

/** `%.Ng`: so many digits that count, without zeros behind them, and with an exponent where the number has more. */
export function generalText(value: number, precision: number): string {
  const digits = Math.min(Math.max(precision, 1), 100);
  const [mantissa = "", exponent = "0"] = value.toExponential(digits - 1).split("e");
  const trimmed = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const power = Number(exponent);
  if (power < -4 || power >= digits)
    return paddedExponent(`${trimmed(mantissa)}e${power < 0 ? "-" : "+"}${Math.abs(power)}`);
  return trimmed(value.toFixed(Math.max(0, digits - 1 - power)));
}

function signed(text: string, flags: string): string {
  if (text.startsWith("-") || text.startsWith("+")) return text;
  if (flags.includes("+")) return `+${text}`;
  return flags.includes(" ") ? ` ${text}` : text;
}

function padded({ flags, width, verb }: Directive, text: string): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  const isNumeric = /[dboxXeEfFgG]/.test(verb) || (verb === "v" && /^[-+]?\d/.test(text));
  if (!flags.includes("0") || !isNumeric) return " ".repeat(missing) + text;
  const sign = /^[-+ ]/.test(text) ? text.charAt(0) : "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

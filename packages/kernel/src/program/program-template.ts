import { OrlopError } from "@orlop/core";
import { REQUEST_ADDRESS } from "../machine/memory-layout.ts";
import { FIELDS, Given, INSTRUCTION_BYTES, type Instruction, type Step } from "./instruction.ts";
import { addressFrame, type EncodeOptions, encodeProgram, HEADER_BYTES, type Program } from "./program.ts";
import { TextReplacer } from "./replace-texts.ts";
import { verifyProgram } from "./verify.ts";
import { callSignature, takesAnyNumber } from "./verify-call.ts";

/** What the programs of one template differ in. */
export interface TemplateValues {
  /** In strings and in what is said of steps, wherever they occur; where two could, the first. Without NUL, in ASCII. */
  readonly texts: readonly string[];
  /** Of {@link Given}, by their names. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** An occurrence of a text in the image. */
interface TextPlace {
  readonly at: number;
  readonly text: number;
}

/** A given number, as an operand. */
interface NumberPlace {
  readonly instruction: number;
  readonly operand: number;
  readonly given: Given;
}

/** A program that came of a template. */
interface Filled {
  readonly template: ProgramTemplate;
  readonly values: TemplateValues;
}

const filled = new WeakMap<Program, Filled>();

/** Where steps begin, and the steps, as they are said with the values of the template's own program. */
interface SharedSource {
  readonly from: readonly number[];
  readonly steps: readonly Step[];
  readonly length: number;
}

/**
 * A program that was verified and encoded once, to be had with other texts of the same lengths and other numbers. What comes
 * of it needs neither again: it is another program in nothing that the verifier looks at, for a string ends where it ended,
 * and numbers stand where any may. Of such a program nothing is made but its bytes, unless somebody asks for more.
 */
export class ProgramTemplate {
  readonly #program: Program;
  /** The program's bytes at the request area, with whichever values they had last. */
  readonly #frame: Buffer;
  readonly #imageOffset: number;
  readonly #texts: readonly string[];
  readonly #replacer: TextReplacer;
  readonly #textPlaces: readonly TextPlace[];
  readonly #numberPlaces: readonly NumberPlace[];
  readonly source: SharedSource;
  #isLent = false;

  /**
   * @param program for the request area
   * @param texts that are in it
   * @throws OrlopError `internal` where the program is refused, or a number is given where not any may be
   */
  constructor(program: Program, { texts }: TemplateValues) {
    verifyProgram(program, { loadAddress: REQUEST_ADDRESS });
    this.#program = program;
    this.#frame = encodeProgram(program, { loadAddress: REQUEST_ADDRESS });
    this.#imageOffset = HEADER_BYTES + program.instructions.length * INSTRUCTION_BYTES;
    this.#texts = texts;
    this.#replacer = new TextReplacer(texts);
    this.#textPlaces = textPlaces(program.image, texts);
    this.#numberPlaces = program.instructions.flatMap((each, index) => numberPlaces(program, each, index));
    this.source = sourceOf(program);
  }

  /**
   * The program with other values.
   *
   * @throws OrlopError `internal` for texts of other lengths, or of more than printable ASCII
   */
  fill(values: TemplateValues): Program {
    const { texts, numbers } = values;
    if (texts.length !== this.#texts.length || !texts.every((text, index) => fits(text, this.#texts[index] ?? ""))) {
      throw new OrlopError("internal", "Cannot fill in program: the texts do not fit");
    }
    for (const { given } of this.#numberPlaces) numberOf(numbers, given);
    const template = this;
    const program: Program = {
      architecture: this.#program.architecture,
      relocations: this.#program.relocations,
      slots: this.#program.slots,
      get image() {
        return template.#image(texts);
      },
      get steps() {
        return template.#program.steps.map((step) => template.say(step, texts));
      },
      get instructions() {
        return template.#instructions(numbers);
      },
    };
    filled.set(program, { template: this, values });
    return program;
  }

  /** The bytes of a program that this has filled in. */
  encode(values: TemplateValues, options: FrameOptions): Buffer {
    const length = this.#frame.length;
    const out = options.memory?.(length) ?? Buffer.alloc(length);
    out.set(this.#frame);
    this.#fillIn(out, values, options);
    return out;
  }

  /**
   * The same bytes where the template has its own, so that none but those of the values is touched: a frame is a hundred
   * kilobytes, which have long left the processor's caches. Undefined as long as another one has not been given back.
   */
  lend(values: TemplateValues, options: FrameOptions & { readonly token: Uint8Array }): LentFrame | undefined {
    if (this.#isLent) return undefined;
    this.#fillIn(this.#frame, values, options);
    this.#isLent = true;
    return {
      frame: this.#frame,
      release: () => {
        this.#isLent = false;
      },
    };
  }

  #fillIn(frame: Buffer, { texts, numbers }: TemplateValues, options: FrameOptions): void {
    addressFrame(frame, { ...options, loadAddress: REQUEST_ADDRESS });
    this.#writeTexts(frame.subarray(this.#imageOffset), texts);
    for (const { instruction, operand, given } of this.#numberPlaces) {
      const at = HEADER_BYTES + instruction * INSTRUCTION_BYTES + FIELDS.operands + 8 * operand;
      frame.writeBigUInt64LE(numberOf(numbers, given), at);
    }
  }

  /** A step of the template's, as it is said with these texts. */
  say(step: Step, texts: readonly string[]): Step {
    const say = (said: string): string => this.#replacer.replace(said, texts);
    const { action, field, why, role } = step;
    return { action: say(action), field: field && say(field), why: why && say(why), role };
  }

  #image(texts: readonly string[]): Uint8Array {
    const image = Buffer.from(this.#program.image);
    this.#writeTexts(image, texts);
    return image;
  }

  #writeTexts(image: Buffer, texts: readonly string[]): void {
    for (const { at, text } of this.#textPlaces) image.write(texts[text] ?? "", at, "latin1");
  }

  #instructions(numbers: TemplateValues["numbers"]): readonly Instruction[] {
    const instructions = [...this.#program.instructions];
    for (const { instruction: index, operand, given } of this.#numberPlaces) {
      const instruction = instructions[index] as Instruction;
      const operands = instruction.operands.with(operand, new Given(given.name, numberOf(numbers, given)));
      instructions[index] = { ...instruction, operands };
    }
    return instructions;
  }
}

/** Where each step of a program begins. */
export function sourceOf({ instructions, steps }: Program): SharedSource {
  const from: number[] = [];
  let last: number | undefined;
  // A loop over an index: programs are long.
  for (let index = 0; index < instructions.length; index++) {
    const step = instructions[index]?.step;
    if (step !== last) from.push(index);
    last = step;
  }
  const begun = from.map((index) => steps[instructions[index]?.step ?? -1] as Step);
  return { from, steps: begun, length: instructions.length };
}

/** What a program came of, if it came of a template. */
export function filledFrom(program: Program): Filled | undefined {
  return filled.get(program);
}

/** A frame on its way. */
export interface LentFrame {
  readonly frame: Buffer;
  /** It is where it was to go. */
  release(): void;
}

type FrameOptions = Omit<EncodeOptions, "loadAddress">;

/** Verifies a program and encodes it, as far as that was not done with its template. @throws OrlopError */
export function encodeVerified(program: Program, options: FrameOptions): Buffer {
  const known = filled.get(program);
  if (known !== undefined) return known.template.encode(known.values, options);
  verifyProgram(program, { loadAddress: REQUEST_ADDRESS });
  return encodeProgram(program, { ...options, loadAddress: REQUEST_ADDRESS });
}

function fits(text: string, known: string): boolean {
  return text.length === known.length && /^[ -~]+$/.test(text);
}

function numberOf(numbers: TemplateValues["numbers"], { name }: Given): bigint {
  const number = numbers[name];
  if (number === undefined) throw new OrlopError("internal", `Cannot fill in program: there is no number "${name}"`);
  return BigInt.asUintN(64, BigInt(number));
}

/** The first of two that overlap is the one that comes first among the texts. */
function textPlaces(image: Uint8Array, texts: readonly string[]): readonly TextPlace[] {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.length);
  const places: TextPlace[] = [];
  for (const [text, known] of texts.entries()) {
    for (let at = bytes.indexOf(known, 0, "latin1"); at >= 0; at = bytes.indexOf(known, at + known.length, "latin1")) {
      const isFree = places.every(
        (place) => at + known.length <= place.at || place.at + (texts[place.text] ?? "").length <= at,
      );
      if (isFree) places.push({ at, text });
    }
  }
  return places;
}

function numberPlaces({ architecture }: Program, instruction: Instruction, index: number): readonly NumberPlace[] {
  const { op, number, operands } = instruction;
  return operands.flatMap((given, operand) => {
    if (!(given instanceof Given)) return [];
    const call = op === "syscall" ? callSignature(number, architecture) : undefined;
    const isAny = call === undefined ? op === "branch" : takesAnyNumber(call, operand);
    if (isAny) return [{ instruction: index, operand, given }];
    throw new OrlopError(
      "internal",
      `Cannot make template: the number "${given.name}" is neither a mere argument nor compared`,
    );
  });
}

import { compareVersions } from "./compare-versions.ts";
import { type DebianPackage, PRIORITIES, readPackage } from "./debian-package.ts";

/** The text of a `Packages` file, and where its archive is. */
export interface PackagesFile {
  readonly text: Buffer;
  readonly base: URL;
}

interface Place {
  readonly file: PackagesFile;
  readonly begin: number;
  readonly end: number;
}

const NAME_FIELD = "Package: ";
const PRIORITIES_OF_SETS: readonly string[] = PRIORITIES.slice(0, 3);

/**
 * Packages by their names. Of Debian's sixty thousand nobody wants to know more than a few hundred, so that stanzas stay
 * text until they are asked for.
 */
export class PackageIndex {
  readonly #places = new Map<string, Place[]>();
  readonly #packages = new Map<string, DebianPackage | undefined>();
  readonly #providers = new Map<string, Set<string>>();
  readonly #marked = new Map<string, Set<string>>();

  /** Of equal versions, the file that comes first counts. */
  constructor(files: readonly PackagesFile[]) {
    for (const file of files) this.#add(file);
  }

  /** The latest version; undefined: there is none. @throws OrlopError `invalid` */
  find(name: string): DebianPackage | undefined {
    const known = this.#packages.get(name);
    if (known !== undefined || this.#packages.has(name)) return known;
    const found = (this.#places.get(name) ?? [])
      .map(({ file, begin, end }) => readPackage(file.text.toString("utf8", begin, end), file.base))
      .reduce<DebianPackage | undefined>(
        (best, each) => (best !== undefined && compareVersions(best.version, each.version) >= 0 ? best : each),
        undefined,
      );
    this.#packages.set(name, found);
    return found;
  }

  /** Those that provide a name, in any of their versions, sorted by their own. */
  providers(name: string): readonly DebianPackage[] {
    return this.#findAll(this.#providers.get(name)).filter(({ provides }) =>
      provides.some((each) => each.name === name),
    );
  }

  essential(): readonly DebianPackage[] {
    return this.#findAll(this.#marked.get("essential")).filter(({ isEssential }) => isEssential);
  }

  /** `required`, `important` or `standard`. */
  withPriority(priority: string): readonly DebianPackage[] {
    return this.#findAll(this.#marked.get(priority)).filter((each) => each.priority === priority);
  }

  #findAll(names: ReadonlySet<string> | undefined): readonly DebianPackage[] {
    return [...(names ?? [])].sort().flatMap((name) => this.find(name) ?? []);
  }

  #add(file: PackagesFile): void {
    const { text } = file;
    // The field of each stanza that is looked for, as far as the search has come.
    const provides = new FieldSearch(text, "\nProvides: ");
    const essential = new FieldSearch(text, "\nEssential: yes");
    const priority = new FieldSearch(text, "\nPriority: ");
    for (let begin = 0; begin < text.length; ) {
      const blank = text.indexOf("\n\n", begin);
      const end = blank < 0 ? text.length : blank;
      const name = this.#nameAt(text, begin, end);
      if (name !== undefined) {
        append(this.#places, name, { file, begin, end });
        for (const provided of provides.valueIn(begin, end).matchAll(PROVIDED))
          this.#note(this.#providers, provided[1], name);
        if (essential.isIn(begin, end)) this.#note(this.#marked, "essential", name);
        const value = priority.valueIn(begin, end);
        if (PRIORITIES_OF_SETS.includes(value)) this.#note(this.#marked, value, name);
      }
      begin = end;
      while (text[begin] === NEWLINE) begin++;
    }
  }

  /** It comes first in every index that is known; elsewhere it is looked for. */
  #nameAt(text: Buffer, begin: number, end: number): string | undefined {
    let at = begin;
    if (text.toString("latin1", begin, begin + NAME_FIELD.length) !== NAME_FIELD) {
      const later = text.indexOf(`\n${NAME_FIELD}`, begin);
      if (later < 0 || later >= end) return undefined;
      at = later + 1;
    }
    const line = text.indexOf(NEWLINE, at);
    return text.toString("latin1", at + NAME_FIELD.length, line < 0 ? end : Math.min(line, end)).trim();
  }

  #note(sets: Map<string, Set<string>>, key: string | undefined, name: string): void {
    if (key === undefined) return;
    const set = sets.get(key) ?? new Set<string>();
    sets.set(key, set.add(name));
  }
}

const NEWLINE = 0x0a;
/** The names in a field `Provides`. */
const PROVIDED = /(?:^|,)\s*([^\s,(:]+)/g;

function append(places: Map<string, Place[]>, name: string, place: Place): void {
  const known = places.get(name);
  if (known === undefined) places.set(name, [place]);
  else known.push(place);
}

/** Finds a field in one stanza after the other, with one search through the whole text. */
class FieldSearch {
  readonly #text: Buffer;
  readonly #field: string;
  #at: number;

  constructor(text: Buffer, field: string) {
    this.#text = text;
    this.#field = field;
    this.#at = text.indexOf(field);
  }

  isIn(begin: number, end: number): boolean {
    while (this.#at >= 0 && this.#at < begin) this.#at = this.#text.indexOf(this.#field, begin);
    return this.#at >= 0 && this.#at < end;
  }

  /** Empty when there is none. */
  valueIn(begin: number, end: number): string {
    if (!this.isIn(begin, end)) return "";
    const from = this.#at + this.#field.length;
    let line = this.#text.indexOf(NEWLINE, from);
    // Folded onto more lines.
    while (line >= 0 && line < end && (this.#text[line + 1] === 0x20 || this.#text[line + 1] === 0x09)) {
      line = this.#text.indexOf(NEWLINE, line + 1);
    }
    return this.#text.toString("latin1", from, line < 0 ? end : Math.min(line, end)).trim();
  }
}

import { alignColumns } from "./align-columns.ts";
import { printableCell } from "./printable.ts";
import { Template } from "./template/template.ts";
import { Dictionary, type Methods, Struct, type StructField, type Value } from "./template/value.ts";

/** Headings of columns by the fields that stand below them. */
type Headings = Readonly<Record<string, string>>;

/** As docker has the heading of one label: what stands last in its name. */
const HEADING_METHODS: Methods = { Label: (name) => (name.split(".").at(-1) ?? "").replaceAll(/[-_]/g, " ") };

/** How a list is printed, as docker's `--format` takes it. */
export class OutputFormat {
  readonly #template: Template;
  readonly #isTable: boolean;

  /**
   * @param text `table`, `table TEMPLATE`, `json`, or a template for each row; `\t` and `\n` in it are a tab and the end of a line
   * @param table the template that `table` alone stands for
   * @throws OrlopError `invalid`
   */
  constructor(text: string, table: string) {
    this.#isTable = text.startsWith("table");
    this.#template = new Template(templateText(text === "table" ? `table ${table}` : text));
  }

  /**
   * The rows, a line each, of a table below their headings, or, without those, aligned alone.
   *
   * @throws OrlopError `invalid` for a field that the rows do not have
   */
  text(rows: readonly Struct[], headings: Headings | undefined): string {
    const shown = this.#isTable ? rows.map((row) => new Cells(row)) : rows;
    const lines = shown.map((row) => `${this.#template.execute(row)}\n`).join("");
    if (!this.#isTable) return lines;
    if (headings === undefined) return alignColumns(lines);
    const heading = this.#template.executeHeading(new Dictionary(Object.entries(headings), "", HEADING_METHODS));
    return alignColumns(`${heading}\n${lines}`);
  }
}

/** A row of a table: a line, and no orders to a terminal, whoever has named what stands in it. */
class Cells extends Struct {
  readonly #row: Struct;

  constructor(row: Struct) {
    super([], row.isEscaped);
    this.#row = row;
  }

  override get fields(): readonly StructField[] {
    return this.#row.fields.map((field) => ({ ...field, value: cell(field.value) }));
  }

  override get methods(): Methods {
    const methods = Object.entries(this.#row.methods);
    return Object.fromEntries(methods.map(([name, method]) => [name, (text: string) => cell(method(text))]));
  }

  override get(name: string): Value | undefined {
    const value = this.#row.get(name);
    return value === undefined ? undefined : cell(value);
  }
}

function cell(value: Value): Value {
  return typeof value === "string" ? printableCell(value) : value;
}

function templateText(text: string): string {
  if (text === "json") return "{{json .}}";
  const template = text.startsWith("table") ? text.slice("table".length) : text;
  return template.replace(/^ +/, "").replace(/ +$/, "").replaceAll("\\t", "\t").replaceAll("\\n", "\n");
}

import { existsSync, readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import type { OciState } from "../oci-containers.ts";
import { stateDocument } from "../state-document.ts";
import type { Verb } from "../verb.ts";

export const listVerb: Verb = {
  name: "list",
  usage: "",
  description: "Shows all containers below the root.",
  flags: [
    { name: "format", short: "f", kind: "text", value: "table|json", help: "How to show them (table)" },
    { name: "quiet", short: "q", kind: "switch", help: "Only their names" },
  ],
  words: [0, 0],
  async run({ call, given, globals, containers }) {
    const format = given.text("format") ?? "table";
    if (format !== "table" && format !== "json") {
      throw new OrlopError(
        "invalid",
        `Cannot show containers as "${format}": invalid format option, there are table and json`,
      );
    }
    const exists = existsSync(globals.root);
    if (!exists && globals.isRootGiven) {
      throw new OrlopError("not-found", `Cannot list root "${globals.root}": no such file or directory`);
    }
    const states = exists ? await (await containers()).list() : [];
    if (given.isOn("quiet")) call.print(states.map(({ id }) => `${id}\n`).join(""));
    else if (format === "json") call.print(`${JSON.stringify(documents(states))}\n`);
    else call.print(table(documents(states)));
    return 0;
  },
};

function documents(states: readonly OciState[]): readonly Readonly<Record<string, unknown>>[] {
  const names = new Map(states.map(({ ownerUid }) => [ownerUid, `#${ownerUid}`]));
  if (states.length > 0) nameUsers(names);
  return states.map((state) => stateDocument(state, names.get(state.ownerUid) ?? ""));
}

/** Users without a name keep their number. */
function nameUsers(names: Map<number, string>): void {
  for (const line of passwd().split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (/^\d+$/.test(uid) && names.get(Number(uid)) === `#${uid}`) names.set(Number(uid), name);
  }
}

function passwd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}

const COLUMNS = ["id", "pid", "status", "bundle", "created", "owner"] as const;
const COLUMN_LEAST = 12;
const GAP = 3;

function table(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const lines = [
    COLUMNS.map((name) => name.toUpperCase()),
    ...rows.map((row) => COLUMNS.map((name) => String(row[name]))),
  ];
  const widths = COLUMNS.map((_, column) =>
    Math.max(COLUMN_LEAST, ...lines.map((line) => (line[column] ?? "").length + GAP)),
  );
  return lines
    .map(
      (line) =>
        `${line.map((text, column) => (column < COLUMNS.length - 1 ? text.padEnd(widths[column] ?? 0) : text)).join("")}\n`,
    )
    .join("");
}

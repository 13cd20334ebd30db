import type { AddFact } from "./probe-dump.ts";

/** Lines of `stat -c '%n|%F|%a|%u|%g|%t,%T|%N'`. */
export function addStatLineFacts(
  add: AddFact,
  section: string,
  lines: readonly string[],
  rename: (text: string) => string,
): void {
  for (const line of lines) {
    const [path = "", type = "", mode, uid, gid, device, name = ""] = line.split("|");
    const key = `${section} ${rename(path)}`;
    if (type === "symbolic link") add(key, `link to ${rename(linkTarget(name))}`);
    else if (type.endsWith("special file")) add(key, `${type} ${mode} ${uid}:${gid} ${hexPair(device ?? "")}`);
    else add(key, `${type} ${mode} ${uid}:${gid}`);
  }
}

/** `1,a` as stat(1) prints numbers of devices: in hexadecimal. */
function hexPair(text: string): string {
  return text
    .split(",")
    .map((each) => Number.parseInt(each, 16))
    .join(":");
}

/** What `%N` says of a link: `'path' -> 'target'`. */
export function linkTarget(name: string): string {
  return /' -> '(.*)'$/.exec(name)?.[1] ?? name;
}

/** Standard descriptors reach the outside in ways that are the callers' own choice. */
function descriptorKind(number: number, target: string): string {
  if (number > 2 || /^\/dev\/(pts|tty|console)/.test(target)) return target.replace(/\[\d+\]/, "");
  return "outside";
}

/** How a file was opened and not what can be done with it: O_LARGEFILE, and O_CLOEXEC, which exec has acted on. */
const openingFlags = 0o2100000;

function statusFlags(octal: string | undefined): string {
  if (octal === undefined) return "gone";
  return (Number.parseInt(octal, 8) & ~openingFlags).toString(8);
}

/** Lines of `stat -c '%n|%a|%N'` about links in /proc/PID, and the `flags:` lines of fdinfo. */
export function addDescriptorFacts(
  add: AddFact,
  links: readonly string[],
  flags: readonly string[],
  probePath: string,
): void {
  const flagsOf = new Map(
    flags.flatMap((line) => {
      const [, number, value] = /\/fdinfo\/(\d+):flags:\t(\d+)/.exec(line) ?? [];
      return number === undefined || value === undefined ? [] : [[number, value] as const];
    }),
  );
  for (const line of links) {
    const [path = "", mode = "", name = ""] = line.split("|");
    const number = /^\/proc\/\d+\/fd\/(\d+)$/.exec(path)?.[1];
    const target = linkTarget(name);
    if (number === undefined || target === probePath) continue;
    const kind = descriptorKind(Number(number), target);
    add(
      `descriptor ${number}`,
      kind === "outside" ? kind : `${kind} ${mode} flags ${statusFlags(flagsOf.get(number))}`,
    );
  }
}

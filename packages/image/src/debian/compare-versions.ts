import { OrlopError } from "@orlop/core";
import { shown } from "./debian-error.ts";

/** Beyond every version that exists; comparing takes time in proportion. */
const VERSION_LENGTH_MAX = 1024;
/** dpkg keeps epochs in an int. */
const EPOCH_MAX = 2 ** 31 - 1;

interface Version {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

/**
 * Which of two versions is the later one (deb-version(7), "Sorting algorithm"): negative, zero or positive.
 *
 * @throws OrlopError `invalid` for what is no version
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const first = parseVersion(a);
  const second = parseVersion(b);
  return (
    first.epoch - second.epoch ||
    comparePart(first.upstream, second.upstream) ||
    comparePart(first.revision, second.revision)
  );
}

function parseVersion(text: string): Version {
  const colon = text.indexOf(":");
  const epoch = colon < 0 ? "0" : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const dash = rest.lastIndexOf("-");
  const upstream = dash < 0 ? rest : rest.slice(0, dash);
  const revision = dash < 0 ? "" : rest.slice(dash + 1);
  const problem = versionProblem(text, epoch, upstream, dash < 0 ? undefined : revision);
  if (problem !== undefined) throw new OrlopError("invalid", `Cannot use version ${shown(text)}: ${problem}`);
  return { epoch: Number(epoch), upstream, revision };
}

function versionProblem(
  text: string,
  epoch: string,
  upstream: string,
  revision: string | undefined,
): string | undefined {
  if (text.length > VERSION_LENGTH_MAX) return `it is longer than ${VERSION_LENGTH_MAX} characters`;
  if (!/^\d+$/.test(epoch) || Number(epoch) > EPOCH_MAX) return "what stands before the colon is no epoch";
  if (upstream === "") return "it is empty";
  if (!/^\d[A-Za-z0-9.+~:-]*$/.test(upstream)) return "it is not a digit and then letters, digits and . + ~ : -";
  if (revision === "") return "its revision is empty";
  if (revision !== undefined && !/^[A-Za-z0-9.+~]+$/.test(revision)) {
    return "its revision is not of letters, digits and . + ~";
  }
  return undefined;
}

/** Text and numbers in turn: text by characters, numbers by their values, however long. */
function comparePart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = rank(a, i) - rank(b, j);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const first = digits(a, i);
    const second = digits(b, j);
    const difference = compareNumbers(a.slice(i, first), b.slice(j, second));
    if (difference !== 0) return difference;
    i = first;
    j = second;
  }
  return 0;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** Where the digits end. */
function digits(text: string, from: number): number {
  let at = from;
  while (at < text.length && isDigit(text, at)) at++;
  return at;
}

/** A tilde comes before the end, the end before letters, letters before everything else. */
function rank(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0;
  const code = text.charCodeAt(at);
  if (code === 0x7e) return -1;
  return /[A-Za-z]/.test(text[at] ?? "") ? code : code + 256;
}

function compareNumbers(a: string, b: string): number {
  const first = a.replace(/^0+/, "");
  const second = b.replace(/^0+/, "");
  if (first.length !== second.length) return first.length - second.length;
  return first < second ? -1 : first > second ? 1 : 0;
}

import { OrlopError } from "./errors.ts";
import { type Digest, parseDigest } from "./identifiers.ts";

/** The name of an image in a registry (distribution/reference, "grammar"), in full. */
export interface Reference {
  /** Host, with a port where one was given: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** `library/busybox`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DEFAULT_REGISTRY = "docker.io";
const DEFAULT_TAG = "latest";
/** distribution/reference, "NameTotalLengthMax". */
const NAME_LENGTH_MAX = 255;

const DOMAIN_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const REGISTRY = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?$`);
const COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Reads a name as docker does: `busybox` is `docker.io/library/busybox:latest`; what stands before the first slash is a
 * registry when it has a dot, a colon or a capital letter in it, or is `localhost`. With a digest there is no tag unless
 * it was given.
 *
 * @throws OrlopError `invalid`
 */
export function parseReference(text: string): Reference {
  const { name, tag, digest } = split(text);
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isRegistry = /[.:A-Z]/.test(first) || first === "localhost";
  // The old name of docker's own registry, which logins are still stored under.
  const registry = isRegistry && first !== "index.docker.io" ? first : DEFAULT_REGISTRY;
  const rest = isRegistry ? name.slice(slash + 1) : name;
  const repository = registry === DEFAULT_REGISTRY && !rest.includes("/") ? `library/${rest}` : rest;
  if (!REGISTRY.test(registry)) throw refused(text, `"${registry}" is no name of a registry`);
  if (!REPOSITORY.test(repository)) throw refused(text, repositoryProblem(rest));
  if (registry.length + 1 + repository.length > NAME_LENGTH_MAX) {
    throw refused(text, `its name is longer than ${NAME_LENGTH_MAX} characters`);
  }
  if (tag !== undefined && !TAG.test(tag)) {
    throw refused(text, `the tag "${tag}" is not up to 128 of letters, digits and _ . -, the first no . or -`);
  }
  const checked = digest === undefined ? {} : { digest: parseDigest(digest) };
  const tagged = tag ?? (digest === undefined ? DEFAULT_TAG : undefined);
  return { registry, repository, ...(tagged === undefined ? {} : { tag: tagged }), ...checked };
}

function split(text: string): { readonly name: string; readonly tag?: string; readonly digest?: string } {
  const at = text.indexOf("@");
  const tagged = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? {} : { digest: text.slice(at + 1) };
  const colon = tagged.lastIndexOf(":");
  // A colon before a slash belongs to a port.
  if (colon < 0 || tagged.indexOf("/", colon) >= 0) return { name: tagged, ...digest };
  return { name: tagged.slice(0, colon), tag: tagged.slice(colon + 1), ...digest };
}

function repositoryProblem(repository: string): string {
  if (repository === "") return "it names no repository";
  if (/[A-Z]/.test(repository)) return "repository names are in lower case";
  return `"${repository}" is no name of a repository`;
}

function refused(text: string, problem: string): OrlopError {
  const shown = text.length <= 100 ? text : `${text.slice(0, 100)}...`;
  return new OrlopError("invalid", `Cannot use image name ${JSON.stringify(shown)}: ${problem}`);
}

/** In full: `docker.io/library/busybox:latest`. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** As short as it can be read back: `busybox:latest`. */
export function familiarReference(reference: Reference): string {
  const full = formatReference(reference);
  return full.replace(/^docker\.io\/(?:library\/(?=[^/]*$))?/, "");
}

import { idMappingsDecoder, linuxDecoder } from "./decode-linux.ts";
import { processDecoder } from "./decode-process.ts";
import {
  absolutePath,
  annotations,
  boolean,
  type Decoder,
  integer,
  list,
  nonEmptyText,
  object,
  optional,
  refine,
  required,
  text,
  where,
} from "./field-decoders.ts";
import { decodeDocument } from "./field-failure.ts";
import { parseJson } from "./json-text.ts";
import type { Hook, Hooks, Mount, Process, Root, RuntimeSpec } from "./runtime-spec.ts";
import { checkRules } from "./runtime-spec-rules.ts";

const semanticVersion =
  /^1\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** Compatible within a major version (config.md, "Specification version"); a development suffix changes nothing. */
const ociVersion = where(text, (version) => semanticVersion.test(version), "a version 1.x.y of the runtime-spec");

/** __NEW_UTS_LEN of linux/utsname.h. */
const UTS_NAME_LENGTH_MAX_BYTES = 64;
const utsName = where(
  text,
  (name) => Buffer.byteLength(name) <= UTS_NAME_LENGTH_MAX_BYTES,
  `at most ${UTS_NAME_LENGTH_MAX_BYTES} bytes`,
);

const mount = object<Mount>({
  destination: required(nonEmptyText),
  type: optional(text),
  source: optional(text),
  options: optional(list(text)),
  uidMappings: optional(idMappingsDecoder),
  gidMappings: optional(idMappingsDecoder),
});

/** The longest that a timer of Node can wait for, in seconds. */
const HOOK_TIMEOUT_MAX = 2_147_483;

const hooksOfOneKind = list(
  object<Hook>({
    path: required(absolutePath),
    args: optional(list(text)),
    env: optional(list(text)),
    timeout: optional(integer(1, HOOK_TIMEOUT_MAX)),
  }),
);

const hooks = object<Hooks>({
  prestart: optional(hooksOfOneKind),
  createRuntime: optional(hooksOfOneKind),
  createContainer: optional(hooksOfOneKind),
  startContainer: optional(hooksOfOneKind),
  poststart: optional(hooksOfOneKind),
  poststop: optional(hooksOfOneKind),
});

const runtimeSpec: Decoder<RuntimeSpec> = refine(
  object<RuntimeSpec>({
    ociVersion: required(ociVersion),
    process: optional(processDecoder),
    root: required(object<Root>({ path: required(nonEmptyText), readonly: optional(boolean) })),
    hostname: optional(utsName),
    domainname: optional(utsName),
    mounts: optional(list(mount)),
    hooks: optional(hooks),
    annotations: optional(annotations),
    linux: optional(linuxDecoder),
  }),
  checkRules,
);

const DOCUMENT = "OCI runtime config";

/**
 * Decodes a config.json that nobody has looked at yet.
 *
 * What comes back has the types that {@link RuntimeSpec} says, obeys every rule of the spec that can be checked
 * without looking at the machine, and contains no string that the kernel would cut. Members that the spec does not
 * name are kept. Unless the JSON says `null`, which counts as absent, encoding the result gives the same document.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeRuntimeSpec(input: string | Uint8Array): RuntimeSpec {
  return decodeDocument(DOCUMENT, () => runtimeSpec(parseJson(input), ""));
}

const processOnly = object<Pick<RuntimeSpec, "process">>({ process: optional(processDecoder) });

/**
 * As {@link decodeRuntimeSpec}, of a config of which nothing else is used than the process: nothing else of it is looked at.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeConfigProcess(input: string | Uint8Array): Process | undefined {
  return decodeDocument(DOCUMENT, () => processOnly(parseJson(input), "").process);
}

/**
 * Holds a value that was made in memory to the same rules. Returns the value itself, or a changed copy where
 * {@link decodeRuntimeSpec} would change something.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function checkRuntimeSpec(value: unknown): RuntimeSpec {
  return decodeDocument(DOCUMENT, () => runtimeSpec(value, ""));
}

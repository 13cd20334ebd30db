import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Descriptor,
  type Index,
  type Manifest,
  MEDIA_TYPE_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_INDEX,
  MEDIA_TYPE_IMAGE_MANIFEST,
  OrlopError,
} from "@orlop/core";

/** The schemas of the image-spec, as Debian has them. */
const SCHEMAS = "/usr/share/gocode/src/github.com/opencontainers/image-spec/schema";

const SCHEMA_NAMES: ReadonlyMap<string, string> = new Map([
  [MEDIA_TYPE_IMAGE_INDEX, "image-index-schema.json"],
  [MEDIA_TYPE_IMAGE_MANIFEST, "image-manifest-schema.json"],
  [MEDIA_TYPE_IMAGE_CONFIG, "config-schema.json"],
]);

/** Their ids say nothing of where they lie, and lead what refers to others astray. */
const VALIDATOR = `
import json, os, sys, warnings
warnings.simplefilter("ignore")
import jsonschema

def plain(value):
    if isinstance(value, list): return [plain(each) for each in value]
    if not isinstance(value, dict): return value
    return {key: plain(each) for key, each in value.items() if not (key == "id" and isinstance(each, str))}

directory = sys.argv[1]
names = [name for name in os.listdir(directory) if name.endswith(".json")]
store = {"file:///" + name: plain(json.load(open(os.path.join(directory, name)))) for name in names}
problems = []
for name, schema, text in json.load(sys.stdin):
    uri = "file:///" + schema
    resolver = jsonschema.RefResolver(uri, store[uri], store)
    for error in jsonschema.Draft4Validator(store[uri], resolver=resolver).iter_errors(json.loads(text)):
        problems.append("%s: %s: %s" % (name, "/".join(map(str, error.path)), error.message))
print(json.dumps(problems))
`;

/** Why no document can be held against the schemas here, or undefined when it can. For `skip`. */
export function schemasObstacle(): string | undefined {
  if (!existsSync(SCHEMAS)) return "needs schemas (apt-get install golang-github-opencontainers-image-spec-dev)";
  const found = spawnSync("python3", ["-c", "import jsonschema"], { stdio: "ignore" });
  return found.status === 0 ? undefined : "needs jsonschema (apt-get install python3-jsonschema)";
}

/** What the OCI's JSON schemas have to say against the documents of an image layout; layers are left out. */
export function schemaProblems(directory: string): readonly string[] {
  const documents: (readonly [name: string, schema: string, text: string])[] = [];
  const add = (name: string, schema: string): string => {
    const text = readFileSync(join(directory, name), "utf8");
    documents.push([name, schema, text]);
    return text;
  };
  const visit = (descriptors: readonly Descriptor[]): void => {
    for (const { digest, mediaType } of descriptors) {
      const schema = SCHEMA_NAMES.get(mediaType);
      if (schema === undefined) continue;
      const found = JSON.parse(add(join("blobs", ...digest.split(":")), schema)) as Partial<Manifest & Index>;
      visit([
        ...(found.manifests ?? []),
        ...(found.config === undefined || !("layers" in found) ? [] : [found.config]),
      ]);
    }
  };
  add("oci-layout", "image-layout-schema.json");
  visit((JSON.parse(add("index.json", "image-index-schema.json")) as Index).manifests);
  const { status, stdout, stderr } = spawnSync("python3", ["-c", VALIDATOR, SCHEMAS], {
    input: JSON.stringify(documents),
    encoding: "utf8",
  });
  if (status !== 0) throw new OrlopError("failed", `Cannot validate documents of "${directory}": ${stderr}`);
  return JSON.parse(stdout) as readonly string[];
}

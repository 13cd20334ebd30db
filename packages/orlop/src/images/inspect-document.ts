import { familiarReference, type ImageExecutionConfig, type StringSet } from "@orlop/core";
import { Dictionary, NIL_LIST, Struct, type StructField, type Value } from "../format/template/value.ts";
import { healthcheckDocument } from "./healthcheck-document.ts";
import type { ImageContent } from "./image-content.ts";
import { nameOf } from "./image-name.ts";
import type { Image } from "./list-images.ts";

/** All there is to say about an image, in the form that docker's `image inspect` has it. */
export function inspectDocument(image: Image, content: ImageContent, sizeBytes: number): Struct {
  const { config } = content;
  const names = image.records.flatMap((record) => ({ name: nameOf(record), record }));
  const tags = names.flatMap(({ name }) => (name?.tag === undefined ? [] : [familiarReference(name)]));
  const digests = names.flatMap(({ name, record }) =>
    name === undefined
      ? []
      : [`${familiarReference({ registry: name.registry, repository: name.repository })}@${record.target.digest}`],
  );
  const tagged = Math.max(...image.records.map(({ updatedAtMs }) => updatedAtMs));
  return new Struct([
    { name: "ID", jsonName: "Id", value: content.id },
    { name: "RepoTags", value: tags },
    { name: "RepoDigests", value: [...new Set(digests)] },
    { name: "Parent", value: "" },
    { name: "Comment", value: config?.history?.at(-1)?.comment ?? "" },
    { name: "Created", value: config?.created ?? "", omitEmpty: true },
    { name: "Author", value: config?.author ?? "" },
    { name: "Config", value: config === undefined ? null : executionConfig(config.config ?? {}) },
    { name: "Architecture", value: config?.architecture ?? "" },
    { name: "Variant", value: config?.variant ?? "", omitEmpty: true },
    { name: "Os", value: config?.os ?? "" },
    { name: "OsVersion", value: config?.["os.version"] ?? "", omitEmpty: true },
    { name: "Size", value: sizeBytes },
    { name: "RootFS", value: rootFs(config?.rootfs.diff_ids ?? []) },
    { name: "Metadata", value: new Struct([{ name: "LastTagTime", value: new Date(tagged).toISOString() }]) },
    { name: "Descriptor", value: descriptorOf(image) },
  ]);
}

function descriptorOf({ records }: Image): Value {
  const target = records[0]?.target;
  if (target === undefined) return null;
  return new Struct([
    { name: "MediaType", jsonName: "mediaType", value: target.mediaType },
    { name: "Digest", jsonName: "digest", value: target.digest },
    { name: "Size", jsonName: "size", value: target.size },
  ]);
}

function rootFs(layers: readonly string[]): Struct {
  return new Struct([
    { name: "Type", value: "layers" },
    { name: "Layers", value: layers, omitEmpty: true },
  ]);
}

function executionConfig(config: ImageExecutionConfig): Struct {
  const fields: Readonly<Record<string, Value>> = {
    User: config.User ?? "",
    ExposedPorts: stringSet(config.ExposedPorts),
    Env: config.Env ?? NIL_LIST,
    Entrypoint: config.Entrypoint ?? NIL_LIST,
    Cmd: config.Cmd ?? NIL_LIST,
    Volumes: stringSet(config.Volumes),
    WorkingDir: config.WorkingDir ?? "",
    Labels: new Dictionary(config.Labels && Object.entries(config.Labels), ""),
    StopSignal: config.StopSignal ?? "",
    ArgsEscaped: config.ArgsEscaped ?? false,
    Healthcheck: healthcheckDocument(config.Healthcheck),
    OnBuild: config.OnBuild ?? NIL_LIST,
    Shell: config.Shell ?? NIL_LIST,
    StopTimeout: config.StopTimeout ?? null,
  };
  return new Struct(Object.entries(fields).map(([name, value]): StructField => ({ name, value, omitEmpty: true })));
}

function stringSet(set: StringSet | undefined): Dictionary {
  const nothing = new Struct([]);
  return new Dictionary(set && Object.keys(set).map((name) => [name, nothing] as const), nothing);
}

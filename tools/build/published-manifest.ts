/** What the build reads of a manifest; the rest is carried along unread. */
export interface BuildManifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<
    Record<string, { readonly source: string; readonly types: string; readonly default: string }>
  >;
  /** What the package's commands load, by the bundle: its source. */
  readonly programs?: Readonly<Record<string, string>>;
  /** The commands of the package, by name. */
  readonly bin?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** What sources and bundles use of Node: docs/dependencies.md. */
const nodeRange = ">=24";

/**
 * The manifest as users get it: what only a checkout needs is left out. The `source` condition goes because
 * Node does not run TypeScript below `node_modules`, so a user who sets the same condition would get an error.
 */
export function publishedManifest(manifest: BuildManifest): Readonly<Record<string, unknown>> {
  const { devDependencies: _, programs: __, exports, ...rest } = manifest;
  const published = Object.entries(exports).map(([subpath, { types, default: file }]) => [
    subpath,
    { types, default: file },
  ]);
  return { ...rest, engines: { node: nodeRange }, exports: Object.fromEntries(published) };
}

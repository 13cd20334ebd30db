/** Key of the snapshot that a container of an image writes to. */
export function snapshotKey(containerId: string): string {
  return `container-${containerId}`;
}

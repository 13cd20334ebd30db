import { open } from "node:fs/promises";

/** Whoever asks while a sync is under way needs the next one, and shares it. */
const waiting = new Map<string, Promise<void>>();
const running = new Map<string, Promise<void>>();

/** Makes durable which files a directory holds, at this moment or later. Calls at the same time share one sync. */
export function syncDirectory(path: string): Promise<void> {
  const next = waiting.get(path);
  if (next !== undefined) return next;
  const before = running.get(path) ?? Promise.resolve();
  const own = before
    .catch(() => {})
    .then(async () => {
      waiting.delete(path);
      running.set(path, own);
      try {
        await syncNow(path);
      } finally {
        if (running.get(path) === own) running.delete(path);
      }
    });
  waiting.set(path, own);
  return own;
}

async function syncNow(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

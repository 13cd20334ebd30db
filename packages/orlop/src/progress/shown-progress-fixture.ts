/** A program that shows a transfer: `quiet` as an argument, or nothing. */
import type { TransferEvent } from "@orlop/image";
import { showProgress } from "./show-progress.ts";

const descriptor = {
  mediaType: "application/octet-stream",
  digest: `sha256:${"a".repeat(64)}`,
  size: 2_000_000,
} as const;
const part = { kind: "part", role: "layer", descriptor } as const;
const events: readonly TransferEvent[] = [
  { kind: "image", name: "registry.example/app:1", target: descriptor },
  { ...part, state: "downloading", bytes: 500_000 },
  { ...part, state: "done", bytes: 2_000_000 },
];
{
  using progress = showProgress({ quiet: process.argv[2] === "quiet", movement: "downloading" });
  for (const event of events) progress.onEvent(event);
}
process.stdout.write("result\n");

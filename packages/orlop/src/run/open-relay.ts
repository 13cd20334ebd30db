import { caller } from "../caller/caller.ts";
import { needsRelay } from "./needs-relay.ts";
import type { StdioRelay } from "./stdio-relay.ts";

/** Where a program would get what it is not to have of the caller's: see needs-relay.ts. */
export async function openRelay({
  tty,
  interactive,
}: {
  readonly tty: boolean;
  readonly interactive: boolean;
}): Promise<StdioRelay | undefined> {
  if (tty) return undefined;
  const relayed = ([0, 1, 2] as const).filter((fd) =>
    fd === 0 ? interactive && caller().isTerminal(fd) : needsRelay(fd),
  );
  if (relayed.length === 0) return undefined;
  const { StdioRelay } = await import("./stdio-relay.ts");
  return await StdioRelay.open(relayed);
}

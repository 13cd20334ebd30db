import { caller } from "../caller/caller.ts";
import type { StdioRelay } from "./stdio-relay.ts";

/** Where a program would get a terminal of the caller's without having asked for one. */
export async function openRelay(
  { tty, interactive }: { readonly tty: boolean; readonly interactive: boolean },
  stateDirectory: string,
): Promise<StdioRelay | undefined> {
  const relayed = ([0, 1, 2] as const).filter((fd) => !tty && (fd !== 0 || interactive) && caller().isTerminal(fd));
  if (relayed.length === 0) return undefined;
  const { StdioRelay } = await import("./stdio-relay.ts");
  return await StdioRelay.open(stateDirectory, relayed);
}

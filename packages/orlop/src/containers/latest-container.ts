import { OrlopError } from "@orlop/core";
import type { Container } from "@orlop/engine";
import type { Flag } from "../flags/flag.ts";
import type { ContainerCall } from "./container-verb.ts";

/** Podman's, of verbs that take a container. */
export const LATEST: Flag = {
  name: "latest",
  short: "l",
  help: "The container made last, instead of one that is named",
};

/** @throws OrlopError `not-found` where there is none */
export async function latestContainer({ engine }: Pick<ContainerCall, "engine">): Promise<Container> {
  const [latest] = await engine.list();
  if (latest !== undefined) return latest;
  throw new OrlopError("not-found", 'Cannot use flag "--latest": there is no container');
}

/**
 * The container that a command line begins with, or with `--latest` the one made last, and the words behind it.
 *
 * @throws OrlopError `invalid` where none is named
 */
export async function firstContainer(
  call: Pick<ContainerCall, "engine" | "flags">,
  options: Parameters<ContainerCall["engine"]["find"]>[1] = {},
): Promise<{ readonly container: Container; readonly words: readonly string[] }> {
  const { engine, flags } = call;
  if (flags.isOn("latest")) return { container: await latestContainer(call), words: flags.positional };
  const [text, ...words] = flags.positional;
  if (text === undefined) throw new OrlopError("invalid", "a container is required");
  return { container: await engine.find(text, options), words };
}

/** The only container of a command line that takes one. */
export async function soleContainer(call: Pick<ContainerCall, "engine" | "flags">): Promise<Container> {
  const { positional } = call.flags;
  const count = positional.length + (call.flags.isOn("latest") ? 1 : 0);
  if (count !== 1) throw new OrlopError("invalid", `one container is taken, and there are ${count}`);
  return (await firstContainer(call)).container;
}

/** Those that a command line names, or the one made last. @throws OrlopError `invalid` for both */
export async function namedOrLatest(call: Pick<ContainerCall, "engine" | "flags">): Promise<readonly string[]> {
  const { positional } = call.flags;
  if (!call.flags.isOn("latest")) return positional;
  if (positional.length > 0)
    throw new OrlopError("invalid", "either the latest container is taken, or those that are named");
  return [(await latestContainer(call)).id];
}

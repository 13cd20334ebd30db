import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { parseDetachKeys } from "../run/detach-keys.ts";
import { SignalProxy } from "../run/signal-proxy.ts";
import { attach, refuseOtherInput } from "./attached-session.ts";
import { type ContainerCall, containerCommand } from "./container-verb.ts";
import { LATEST, soleContainer } from "./latest-container.ts";

export const attachCommand: Command = containerCommand(
  {
    name: "attach",
    usage: "[OPTIONS] [CONTAINER]",
    description:
      "Connects this terminal with a container that runs: shows what it puts out from now on, passes standard input on to one " +
      "that was made with --interactive, and signals. The exit code is the container's.",
    examples: [["orlop attach box", "ctrl-p ctrl-q leaves it running"]],
    table: {
      flags: [
        { name: "no-stdin", help: "Do not pass standard input on" },
        { name: "detach-keys", value: "KEYS", help: "What is typed to leave it running: ctrl-p,ctrl-q" },
        { name: "sig-proxy", help: "Pass signals on (on unless =false)" },
        LATEST,
      ],
      flagsAnywhere: true,
    },
  },
  attachTo,
);

async function attachTo(call: ContainerCall): Promise<number> {
  const { engine, flags } = call;
  const container = await soleContainer(call);
  const { name, state, terminal } = container;
  if (state.status !== "running" && state.status !== "paused") {
    throw new OrlopError("conflict", `Cannot attach to container "${name}": it does not run\nTry orlop start.`);
  }
  if (state.status === "paused") {
    throw new OrlopError("conflict", `Cannot attach to container "${name}": it is paused\nTry orlop unpause.`);
  }
  if (container.isTransient) {
    throw new OrlopError("conflict", `Cannot attach to container "${name}": the command that runs it has its streams`);
  }
  const interactive = container.interactive && !flags.isOn("no-stdin");
  refuseOtherInput({ interactive, tty: terminal });
  await using stack = new AsyncDisposableStack();
  const hasProxy = !flags.has("sig-proxy") || flags.isOn("sig-proxy");
  const proxy = hasProxy ? stack.use(new SignalProxy({ except: terminal ? ["SIGWINCH"] : [] })) : undefined;
  if (interactive && terminal) {
    const { RawTerminal } = await import("../run/raw-terminal.ts");
    stack.use(await RawTerminal.take());
  }
  engine.tell(container, "attach");
  const end = await attach(call, {
    container,
    input: interactive ? engine.openInput(container) : undefined,
    sinceNs: BigInt(Date.now()) * 1_000_000n,
    detachKeys: parseDetachKeys(flags.text("detach-keys")),
    proxy,
  });
  if (!end.isDetached) return end.exitCode;
  engine.tell(container, "detach");
  return 0;
}

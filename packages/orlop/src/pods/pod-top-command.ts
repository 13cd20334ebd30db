import { OrlopError } from "@orlop/core";
import type { Command } from "../command.ts";
import { type ContainerCall, containerCommand } from "../containers/container-verb.ts";
import { showProcessTable } from "../top/top-command.ts";
import { LATEST, latestPod } from "./pod-verb.ts";

export const podTopCommand: Command = containerCommand(
  {
    name: "top",
    usage: "[OPTIONS] POD [PS OPTIONS]",
    description:
      "Lists the processes of all containers of a pod that run, as this machine's ps shows them: their ids are those on the host.",
    examples: [["orlop pod top web -o pid,rss,args", "with the memory of each"]],
    table: { flags: [LATEST] },
  },
  async (call: ContainerCall) => {
    const { engine, flags } = call;
    const words = [...(flags.isOn("latest") ? await latestPod(engine) : []), ...flags.positional];
    const [text, ...options] = words;
    if (text === undefined) throw new OrlopError("invalid", '"orlop pod top" takes a pod');
    const { pod, members } = await engine.pods.find(text);
    const running = members.filter(({ state }) => state.status === "running" || state.status === "paused");
    if (running.length === 0) {
      throw new OrlopError("conflict", `Cannot list processes of pod "${pod.name}": none of its containers runs`);
    }
    await showProcessTable(call, running, options);
    return 0;
  },
);

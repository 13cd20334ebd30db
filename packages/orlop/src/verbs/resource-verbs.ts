import type { CommandGroup } from "./command-entry.ts";

export const NETWORK_GROUP: CommandGroup = {
  name: "network",
  summary: "What can be done with networks",
  commands: [
    {
      name: "create",
      summary: "Make a network",
      load: async () => (await import("../networks/network-commands.ts")).networkCreateCommand,
    },
    {
      name: "ls",
      aliases: ["list"],
      summary: "List networks",
      load: async () => (await import("../networks/network-list-commands.ts")).networkListCommand,
    },
    {
      name: "inspect",
      summary: "Tell all about networks",
      load: async () => (await import("../networks/network-list-commands.ts")).networkInspectCommand,
    },
    {
      name: "connect",
      summary: "Connect a container with one more network",
      load: async () => (await import("../networks/network-commands.ts")).networkConnectCommand,
    },
    {
      name: "disconnect",
      summary: "Take a container off a network",
      load: async () => (await import("../networks/network-commands.ts")).networkDisconnectCommand,
    },
    {
      name: "rm",
      aliases: ["remove"],
      summary: "Remove networks",
      load: async () => (await import("../networks/network-commands.ts")).networkRemoveCommand,
    },
    {
      name: "exists",
      summary: "Tell by the exit code whether there is such a network",
      load: async () => (await import("./exists-commands.ts")).networkExistsCommand,
    },
    {
      name: "prune",
      summary: "Remove networks that no container is on",
      load: async () => (await import("../networks/network-list-commands.ts")).networkPruneCommand,
    },
  ],
};

export const VOLUME_GROUP: CommandGroup = {
  name: "volume",
  summary: "What can be done with volumes",
  commands: [
    {
      name: "create",
      summary: "Make a volume",
      load: async () => (await import("../volumes/volume-commands.ts")).volumeCreateCommand,
    },
    {
      name: "ls",
      aliases: ["list"],
      summary: "List volumes",
      load: async () => (await import("../volumes/volume-commands.ts")).volumeListCommand,
    },
    {
      name: "inspect",
      summary: "Tell all about volumes",
      load: async () => (await import("../volumes/volume-commands.ts")).volumeInspectCommand,
    },
    {
      name: "rm",
      aliases: ["remove"],
      summary: "Remove volumes",
      load: async () => (await import("../volumes/volume-commands.ts")).volumeRemoveCommand,
    },
    {
      name: "exists",
      summary: "Tell by the exit code whether there is such a volume",
      load: async () => (await import("./exists-commands.ts")).volumeExistsCommand,
    },
    {
      name: "prune",
      summary: "Remove volumes that no container uses",
      load: async () => (await import("../volumes/volume-commands.ts")).volumePruneCommand,
    },
  ],
};

export const POD_GROUP: CommandGroup = {
  name: "pod",
  summary: "What can be done with pods",
  commands: [
    {
      name: "create",
      summary: "Make a pod, which containers can join",
      load: async () => (await import("../pods/pod-create-command.ts")).podCreateCommand,
    },
    {
      name: "ps",
      aliases: ["ls", "list"],
      summary: "List pods",
      load: async () => (await import("../pods/pod-ps-command.ts")).podListCommand,
    },
    {
      name: "inspect",
      summary: "Tell all about pods",
      load: async () => (await import("../pods/pod-inspect-command.ts")).podInspectCommand,
    },
    {
      name: "start",
      summary: "Run the containers of pods",
      load: async () => (await import("../pods/pod-life-commands.ts")).podStartCommand,
    },
    {
      name: "stop",
      summary: "End the containers of pods",
      load: async () => (await import("../pods/pod-life-commands.ts")).podStopCommand,
    },
    {
      name: "restart",
      summary: "End the containers of pods and run them again",
      load: async () => (await import("../pods/pod-life-commands.ts")).podRestartCommand,
    },
    {
      name: "kill",
      summary: "Send a signal to the containers of pods",
      load: async () => (await import("../pods/pod-life-commands.ts")).podKillCommand,
    },
    {
      name: "pause",
      summary: "Have the containers of pods stand still",
      load: async () => (await import("../pods/pod-life-commands.ts")).podPauseCommand,
    },
    {
      name: "unpause",
      summary: "Have the containers of pods go on",
      load: async () => (await import("../pods/pod-life-commands.ts")).podUnpauseCommand,
    },
    {
      name: "rm",
      aliases: ["remove"],
      summary: "Remove pods with their containers",
      load: async () => (await import("../pods/pod-life-commands.ts")).podRemoveCommand,
    },
    {
      name: "prune",
      summary: "Remove pods that have ended",
      load: async () => (await import("../pods/pod-life-commands.ts")).podPruneCommand,
    },
    {
      name: "exists",
      summary: "Tell whether there is a pod",
      load: async () => (await import("../pods/pod-life-commands.ts")).podExistsCommand,
    },
    {
      name: "logs",
      summary: "Print what the containers of a pod have put out",
      load: async () => (await import("../pods/pod-logs-command.ts")).podLogsCommand,
    },
    {
      name: "top",
      summary: "List the processes of a pod",
      load: async () => (await import("../pods/pod-top-command.ts")).podTopCommand,
    },
    {
      name: "stats",
      summary: "Show what the containers of pods take of the machine",
      load: async () => (await import("../pods/pod-stats-command.ts")).podStatsCommand,
    },
  ],
};

export const CAPTURE_GROUP: CommandGroup = {
  name: "capture",
  summary: "What can be done with changes that orlop try has kept",
  commands: [
    {
      name: "ls",
      aliases: ["list"],
      summary: "List kept changes",
      load: async () => (await import("../try/capture-commands.ts")).captureListCommand,
    },
    {
      name: "diff",
      summary: "List what kept changes would do",
      load: async () => (await import("../try/capture-commands.ts")).captureDiffCommand,
    },
    {
      name: "commit",
      summary: "Write kept changes to this machine's files",
      load: async () => (await import("../try/capture-commands.ts")).captureCommitCommand,
    },
    {
      name: "rm",
      aliases: ["remove"],
      summary: "Throw kept changes away",
      load: async () => (await import("../try/capture-commands.ts")).captureRemoveCommand,
    },
  ],
};

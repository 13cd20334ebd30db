export { OrlopError } from "@orlop/core";
export { commandLine } from "./command-line.ts";
export type { OutputChunk } from "./sdk/chunk-queue.ts";
export type { CollectedCommand } from "./sdk/collect-command.ts";
export type { CommandValue } from "./sdk/command-template.ts";
export type { SandboxEntry, SandboxFileKind, SandboxFileStat } from "./sdk/file-stat.ts";
export { Sandbox } from "./sdk/sandbox.ts";
export type { ReadOptions, RemoveOptions, SandboxFiles, WriteOptions } from "./sdk/sandbox-files.ts";
export type {
  CommandOptions,
  Isolation,
  IsolationRequest,
  SandboxImage,
  SandboxMount,
  SandboxOptions,
} from "./sdk/sandbox-options.ts";
export type { CommandEnd, SandboxProcess } from "./sdk/sandbox-process.ts";

import type { Container } from "@orlop/engine";
import { unitWord } from "./unit-word.ts";

/** systemd.service(5), `Restart=`. */
export const UNIT_RESTARTS: readonly string[] = [
  "no",
  "on-success",
  "on-failure",
  "on-abnormal",
  "on-watchdog",
  "on-abort",
  "always",
];

export interface UnitOptions {
  /** Path of the program orlop. */
  readonly program: string;
  /** Variables that say where the container is. */
  readonly environment: Readonly<Record<string, string>>;
  readonly restart: string;
  /** Seconds; absent: systemd's. */
  readonly restartSeconds?: number;
  /** Longer than its own, which systemd has to wait for. */
  readonly stopTimeoutMs: number;
  /** The container is made by the start of the unit, and gone with its end. */
  readonly isNew: boolean;
  /** Names of the unit and of its container begin with different words. */
  readonly prefix: string;
  /** Units of those that it requires. */
  readonly requires: readonly string[];
  /** The user's own manager runs it, which knows nothing of networks. */
  readonly isOfUser: boolean;
}

export function unitName({ name }: Pick<Container, "name">, prefix: string): string {
  return `${prefix}-${name}.service`;
}

/** Systemd waits so much longer than the container is given to end. */
const STOP_MARGIN_SECONDS = 60;

/**
 * A unit of systemd's that runs a container. Its main process is the command that stays with the container, whose exit code
 * is the container's: nothing else needs to be told to systemd, whatever cgroup the container is in.
 */
export function containerUnit(container: Container, options: UnitOptions): string {
  const { name } = container;
  const { program, environment, restart, restartSeconds, stopTimeoutMs, isNew, prefix } = options;
  const line = (...words: readonly string[]): string => [program, ...words].map(unitWord).join(" ");
  const seconds = stopTimeoutMs < 0 ? -1 : Math.ceil(stopTimeoutMs / 1000);
  const remove = isNew ? [`ExecStartPre=-${line("rm", "--force", "--ignore", name)}`] : [];
  const start = isNew ? newCommand(container) : ["start", "--attach", name];
  return [
    `# ${unitName(container, prefix)}: written by orlop generate systemd`,
    "",
    "[Unit]",
    `Description=Container ${name.replaceAll("%", "%%")} of orlop`,
    ...orderLines(options),
    "",
    "[Service]",
    "Type=exec",
    ...Object.entries(environment).map(([key, value]) => `Environment=${unitWord(`${key}=${value}`)}`),
    ...(isNew && container.commandLine !== undefined
      ? [`WorkingDirectory=${container.commandLine.directory.replaceAll("%", "%%")}`]
      : []),
    `Restart=${restart}`,
    ...(restartSeconds === undefined ? [] : [`RestartSec=${restartSeconds}`]),
    `TimeoutStopSec=${seconds < 0 ? "infinity" : seconds + STOP_MARGIN_SECONDS}`,
    ...remove,
    `ExecStart=${line(...start)}`,
    `ExecStop=${line("stop", "--timeout", String(seconds), name)}`,
    `ExecStopPost=-${line(...(isNew ? ["rm", "--force", "--ignore", name] : ["stop", "--timeout", String(seconds), name]))}`,
    "# What else is in the unit's cgroup looks after other containers, too.",
    "KillMode=process",
    "",
    "[Install]",
    `WantedBy=${wantedBy(options)}`,
    "",
  ].join("\n");
}

function orderLines({ isOfUser, requires }: Pick<UnitOptions, "isOfUser" | "requires">): readonly string[] {
  const after = [...(isOfUser ? [] : ["network-online.target"]), ...requires];
  return [
    ...(isOfUser ? [] : ["Wants=network-online.target"]),
    ...(after.length === 0 ? [] : [`After=${after.join(" ")}`]),
    ...(requires.length === 0 ? [] : [`Requires=${requires.join(" ")}`]),
  ];
}

function wantedBy({ isOfUser }: Pick<UnitOptions, "isOfUser">): string {
  return isOfUser ? "default.target" : "multi-user.target";
}

/** What has made the container, in the foreground: of a flag that stands there twice the last one counts. */
function newCommand({ name, commandLine }: Container): readonly string[] {
  const { flags, words } = commandLine ?? { flags: [], words: [] };
  return ["run", ...flags, "--detach=false", "--restart=no", "--rm", "--name", name, "--", ...words];
}

/** A unit that starts containers again after the machine was switched off. */
export function bootUnit(options: Pick<UnitOptions, "program" | "environment" | "isOfUser">): string {
  const { program, environment } = options;
  const line = (...words: readonly string[]): string => [program, ...words].map(unitWord).join(" ");
  return [
    "# orlop-restart.service: written by orlop generate systemd --boot",
    "",
    "[Unit]",
    "Description=Containers of orlop that are to run after a start of the machine",
    ...orderLines({ ...options, requires: [] }),
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=true",
    ...Object.entries(environment).map(([key, value]) => `Environment=${unitWord(`${key}=${value}`)}`),
    `ExecStart=${line("start", "--all", "--filter", "should-start-on-boot=true")}`,
    "# Containers, and who looks after them, outlive the command.",
    "KillMode=process",
    "",
    "[Install]",
    `WantedBy=${wantedBy(options)}`,
    "",
  ].join("\n");
}

import type { MachineImage } from "./image-cache.ts";

/** What a machine is made of. All paths are the host's. */
interface MachineParts {
  readonly image: MachineImage;
  /** The checkout, packed. */
  readonly checkout: string;
  /** Its command line as one file, packed. */
  readonly bundle: string;
  /** A shell script: what the machine does. */
  readonly command: string;
  /** The kernel's and systemd's log is written there. */
  readonly console: string;
  /** Unix sockets on which somebody listens, by the names of the ports that lead to them. */
  readonly ports: Readonly<Record<string, string>>;
  /** `tcg` emulates and works everywhere; `kvm` is some twenty times faster where the machine has it. */
  readonly accelerator: string;
}

const memoryMiB = 2048;
const processors = 2;

const kernelOptions = [
  ...["root=/dev/vda", "rw", "console=ttyS0", "systemd.unified_cgroup_hierarchy=1"],
  // On a busy host a processor may get no time while the kernel counts the timer's ticks, and then it gives up.
  "no_timer_check",
  // Nobody attacks it, and the detours that they send indirect jumps on take an emulator long.
  "mitigations=off",
  // Nobody reads colours, and one line a unit is enough.
  ...["systemd.log_color=no", "systemd.show_status=auto", "panic=-1"],
];

/**
 * The machine's processors take turns. Before QEMU 8.1 (its commit deba78709ae8) one may go on with a translation of code that
 * another has changed while it was made: now and then a Node, whose compilers write code on several threads, jumped to where
 * the instruction in memory did not lead, and crashed.
 */
const emulator = "tcg,thread=single";

/** QEMU takes a comma in a value when it is doubled. */
function value(path: string): string {
  return path.replaceAll(",", ",,");
}

function drive(path: string, options: string): readonly string[] {
  return ["-drive", `file=${value(path)},format=raw,if=virtio,${options}`];
}

function port(name: string, socket: string): readonly string[] {
  const chardev = ["-chardev", `socket,id=${name},path=${value(socket)}`];
  return [...chardev, "-device", `virtserialport,chardev=${name},name=${name}`];
}

/**
 * QEMU's arguments. The root is written to a file of QEMU's own that has no name, so every run begins with the image
 * as it was built, and any number of machines share it.
 */
export function machineArguments({ image, checkout, bundle, command, ...rest }: MachineParts): string[] {
  const { console, ports, accelerator } = rest;
  return [
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-machine", "q35"],
    ...["-accel", accelerator === "tcg" ? emulator : accelerator],
    ...["-cpu", "max,-pku", "-smp", String(processors), "-m", String(memoryMiB)],
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", kernelOptions.join(" ")],
    ...drive(image.root, "snapshot=on"),
    ...drive(checkout, "readonly=on"),
    ...drive(bundle, "readonly=on"),
    // systemd hands it to the unit that says LoadCredential=command.
    ...["-fw_cfg", `name=opt/io.systemd.credentials/command,file=${value(command)}`],
    ...["-chardev", `file,id=console,path=${value(console)}`, "-serial", "chardev:console"],
    ...["-device", "virtio-serial-pci", ...Object.entries(ports).flatMap(([name, path]) => port(name, path))],
  ];
}

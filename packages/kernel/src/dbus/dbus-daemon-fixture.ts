import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

const CONFIG = (socket: string) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

/** Why there can be no bus here, or undefined. */
export function noBusReason(): string | undefined {
  return spawnSync("dbus-daemon", ["--version"]).status === 0 ? undefined : "needs dbus-daemon (Debian: dbus)";
}

/** Starts a bus of the test's own, which ends with the test. Gives its address. */
export async function startBus(t: TestContext): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "orlop-bus-"));
  const config = join(directory, "bus.conf");
  writeFileSync(config, CONFIG(join(directory, "bus")));
  const daemon = spawn("dbus-daemon", [`--config-file=${config}`, "--nofork", "--nopidfile", "--print-address=1"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.after(async () => {
    daemon.kill();
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, "exit");
    rmSync(directory, { recursive: true });
  });
  for await (const address of createInterface({ input: daemon.stdout })) return address;
  throw new Error("dbus-daemon ended without saying its address");
}

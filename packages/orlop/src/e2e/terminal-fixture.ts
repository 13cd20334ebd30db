import type { CommandFixture } from "./command-fixture.ts";

/** What to do at a terminal, in order. */
export type TerminalStep =
  /** Read until this has appeared; every text is looked for behind the one before. */
  | readonly ["wait", text: string]
  | readonly ["send", text: string]
  | readonly ["resize", rows: number, columns: number]
  /** Send a signal to the command. */
  | readonly ["kill", signal: number]
  /** Send a signal to another process, and give it time to end. */
  | readonly ["kill-other", pid: number, signal: number]
  /** Wait until the terminal's settings are others than at first. */
  | readonly ["change"]
  /** Note the terminal's settings under this name. */
  | readonly ["note", name: string];

export interface TerminalResult {
  readonly output: string;
  /** Exit code, or minus the number of the signal that ended the command. */
  readonly status: number;
  /** By name: settings of the terminal, equal texts for equal settings. `before` and `after` are always there. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Node has no way to make a terminal; python's standard library has. */
const SCRIPT = `
import fcntl, json, os, select, signal, struct, sys, termios, time
plan = json.loads(sys.argv[1])
fd, slave = os.openpty()
def settings():
    return repr(termios.tcgetattr(slave))
pid = os.fork()
if pid == 0:
    os.close(fd)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for each in (0, 1, 2): os.dup2(slave, each)
    os.execvp(plan["command"][0], plan["command"])
output, seen, notes = b"", 0, {}
def resize(rows, columns):
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
def read(seconds):
    global output
    if not select.select([fd], [], [], seconds)[0]: return False
    try: data = os.read(fd, 65536)
    except OSError: return False
    output += data
    return data != b""
deadline = time.time() + 50
notes["before"] = settings()
resize(24, 80)
failed = None
for step in plan["steps"]:
    if step[0] == "wait":
        text = step[1].encode()
        while output.find(text, seen) < 0 and time.time() < deadline: read(0.1)
        at = output.find(text, seen)
        if at < 0:
            failed = step[1]
            break
        seen = at + len(text)
    elif step[0] == "send": os.write(fd, step[1].encode())
    elif step[0] == "resize": resize(step[1], step[2])
    elif step[0] == "kill": os.kill(pid, step[1])
    elif step[0] == "kill-other":
        os.kill(step[1], step[2])
        time.sleep(0.3)
    elif step[0] == "change":
        while settings() == notes["before"] and time.time() < deadline: read(0.02)
    elif step[0] == "note": notes[step[1]] = settings()
status = None
while status is None and time.time() < deadline:
    read(0.05)
    done, code = os.waitpid(pid, os.WNOHANG)
    if done: status = os.waitstatus_to_exitcode(code)
if status is None:
    os.kill(pid, signal.SIGKILL)
    failed = "the end"
while read(0.1): pass
end = time.time() + 5
while settings() != notes["before"] and time.time() < end: time.sleep(0.05)
notes["after"] = settings()
print(json.dumps({"output": output.decode("utf8", "replace"), "status": status, "settings": notes, "failed": failed}))
`;

/** Runs a command at a terminal of its own. Throws with everything that was printed when a text does not appear. */
export async function atTerminal(
  fixture: CommandFixture,
  command: readonly string[],
  steps: readonly TerminalStep[],
): Promise<TerminalResult> {
  const plan = JSON.stringify({ command, steps });
  const { stdout, stderr } = await fixture.start("python3", ["-c", SCRIPT, plan], { env: { TERM: "xterm" } });
  if (stdout === "") throw new Error(`the terminal could not be made: ${stderr}`);
  const result = JSON.parse(stdout) as TerminalResult & { readonly failed: string | null };
  if (result.failed === null) return result;
  throw new Error(`waited in vain for ${JSON.stringify(result.failed)}; printed: ${JSON.stringify(result.output)}`);
}

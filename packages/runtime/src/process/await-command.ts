import { CONTROL_FD, POLLFD, type Slot } from "@orlop/kernel";
import { COMMAND, COMMAND_BYTES } from "./control-command.ts";
import type { Supervision } from "./supervision.ts";

/**
 * In the reaper, before it watches over the child: waits for the command `start`. Fails with ECANCELED when a signal is
 * commanded instead, when whoever listens has gone, or when the process of `pidfd` has ended.
 */
export function emitAwaitCommand({ p, slots }: Supervision, pidfd?: Slot): void {
  const { events } = POLLFD.fields;
  const count = pidfd === undefined ? 2 : 3;
  const polls = p.buffer(count * POLLFD.size, pidfd === undefined ? "[control, 3]" : "[control, 3, pidfd]");
  const record = p.buffer(COMMAND_BYTES, "<command>");
  const command = p.slot("command");
  const wait = p.label("wait");
  const goOn = p.label("go on");
  p.store(polls, 4, slots.control);
  p.store(polls.at(events.offset), 2, p.flags("POLLIN"));
  p.store(polls.at(POLLFD.size), 4, CONTROL_FD);
  if (pidfd !== undefined) {
    p.store(polls.at(2 * POLLFD.size), 4, pidfd);
    p.store(polls.at(2 * POLLFD.size + events.offset), 2, p.flags("POLLIN"));
  }
  p.mark(wait);
  p.call("ppoll", [polls, count, 0, 0, 8], { on: ["EINTR"], goto: wait });
  p.store(record, 4, 0);
  p.call("read", [slots.control, record, COMMAND_BYTES], { ignore: ["EAGAIN"] });
  p.load(command, record, 4);
  p.branch(command, "eq", p.number(COMMAND.start, "start"), goOn);
  p.fail("ECANCELED");
  p.mark(goOn);
}

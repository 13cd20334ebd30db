/** Runs until it is told to end, and says when it is ready for that. */
export const UNTIL_TERM: string =
  "trap 'exit 5' TERM; trap 'echo usr1' USR1; echo ready; echo problem >&2; while :; do sleep 0.05; done";

/** Waits until the terminal has the size that it was given from outside. */
export const HAS_SIZE: string = 'until [ "$(stty size 2>/dev/null)" = "20 50" ]; do sleep 0.05; done';

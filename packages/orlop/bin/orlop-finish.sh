#!/bin/sh
# What a launcher executes beside it when its process in the foreground has ended and the daemon has gone: Node removes the
# container.

bin=${0%/*}
set -- _finish "$@"
. "$bin/run-node.sh"

#!/bin/sh
# What a launcher executes when the daemon has gone in the middle of its call: Node undoes it, or does the rest.

bin=${0%/*}
set -- _broken "$@"
. "$bin/run-node.sh"

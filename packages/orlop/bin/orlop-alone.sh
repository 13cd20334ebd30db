#!/bin/sh
# What a launcher executes when no daemon serves its call: Node does all of it.

bin=${0%/*}
. "$bin/run-node.sh"

#!/bin/sh
# note.sh FILE - what an attack planted runs here: does it bear the mark?  self: also in a pid
# namespace whose /proc is that of another.
grep 'file locks' /proc/self/limits >> "$1"

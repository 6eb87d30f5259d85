#!/bin/sh
# note.sh FILE - what an attack planted runs here: does it bear the mark?
grep 'file locks' /proc/$$/limits >> "$1"

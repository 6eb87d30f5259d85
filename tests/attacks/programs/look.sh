#!/bin/sh
# look.sh NAME - what a program that claude started sees, into ~/look/NAME.*
# (programs/spy is in $TOOLS.)
at=$HOME/look/$1
mkdir -p "$HOME/look"
tr '\0' '\n' < /proc/$$/environ > "$at.environ"
env > "$at.env"
tr '\0' '\n' < /proc/$$/cmdline > "$at.argv"
tr '\0' '\n' < /proc/$PPID/cmdline >> "$at.argv"
ls -l /proc/$$/fd > "$at.fds"
"$TOOLS/spy" fds >> "$at.fds"
grep 'file locks' /proc/$$/limits > "$at.limits"
"$TOOLS/spy" look "$("$TOOLS/spy" session)" > "$at.spy"
set > "$at.set"
echo end > "$at.done"

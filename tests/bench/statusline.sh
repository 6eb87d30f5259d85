#!/bin/bash
# The status line as people write it for themselves: three jq, two git.  What
# `make bench` compares ours with; nothing of it asks the network.
input=$(cat)
model=$(jq -r '.model.display_name // "Claude"' <<<"$input")
used=$(jq -r '.context_window.used_percentage // 0' <<<"$input")
dir=$(jq -r '.workspace.current_dir // .cwd // "."' <<<"$input")
branch=$(git -C "$dir" branch --show-current 2>/dev/null)
changes=$(git -C "$dir" status --porcelain 2>/dev/null)
[ -z "$changes" ] || branch="$branch*"
printf '\033[36m%s\033[0m | %s%% ctx | \033[34m%s\033[0m | %s\n' "$model" "$used" "$branch" "${dir##*/}"

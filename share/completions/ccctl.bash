# shellcheck shell=bash
# Completion for bash of ccctl and ccrun: ccctl complete says what could come next.
# For a command of ccctl link: complete -F _ccrun_complete NAME

# What is typed goes through a pipe, not as arguments, which other programs see.
_ccrun_complete() {
	local rest=${COMP_LINE:0:COMP_POINT} word before='' candidate cut i
	local -a words=()

	# bash takes a word apart at ':' and '='; those belong to ours.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		if [[ $i == 0 || $rest == [[:space:]]* ]]; then
			words+=('')
		fi
		rest=${rest#"${rest%%[![:space:]]*}"}
		word=${COMP_WORDS[i]}
		if ((i == COMP_CWORD)); then
			word=$rest
		fi
		words[${#words[@]} - 1]+=$word
		rest=${rest#"$word"}
	done
	word=${words[${#words[@]} - 1]}
	# What bash does not replace, being another word to it.
	before=${word%"${word##*[:=]}"}
	if [[ -n $before && $COMP_WORDBREAKS != *"${before: -1}"* ]]; then
		before=''
	fi

	COMPREPLY=()
	while IFS= read -r candidate; do
		candidate=${candidate%%$'\t'*}
		case $candidate in
		:files) cut=(-f) ;;
		:directories) cut=(-d) ;;
		:programs) cut=(-c -f) ;;
		*)
			COMPREPLY+=("${candidate#"$before"}")
			continue
			;;
		esac
		compopt -o filenames 2>/dev/null
		while IFS= read -r candidate; do
			COMPREPLY+=("$candidate")
		done < <(compgen "${cut[@]}" -- "${word#"$before"}")
	done < <(printf '%s\0' "${words[@]:1}" | command ccctl complete "${words[0]##*/}" 2>/dev/null)
	# Its value follows at once.
	if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

complete -F _ccrun_complete ccctl ccrun

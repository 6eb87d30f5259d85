# Completion for fish of ccctl and ccrun: ccctl complete says what could come next.
# For a command of ccctl link: complete -c NAME -f -a '(__ccrun_complete)'

# What is typed goes through a pipe, not as arguments, which other programs see.
function __ccrun_complete
    set -l words (commandline -opc)
    set -l now (commandline -ct)
    for line in (printf '%s\0' $words[2..-1] "$now" | command ccctl complete (string replace -r '.*/' '' -- $words[1]) 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path $now
            case ':directories'
                __fish_complete_directories $now ''
            case ':programs'
                __fish_complete_command
            case '*'
                echo $line
        end
    end
end

complete -c ccctl -f -a '(__ccrun_complete)'
complete -c ccrun -f -a '(__ccrun_complete)'

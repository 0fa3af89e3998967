# SPDX-License-Identifier: Apache-2.0
# fish completion of sjwt. The commands and the options are those of its own help.
function __sjwt_commands
    sjwt --help 2>/dev/null | string replace --filter --regex '^  ([a-z]+) +(.*)$' '$1\t$2'
end
function __sjwt_options
    set -l words (commandline -opc)
    sjwt $words[2] --help 2>/dev/null | string match --all --regex --groups-only '(--[a-z-]+)' | sort -u
end
complete -c sjwt -n __fish_use_subcommand -f -a '(__sjwt_commands)'
complete -c sjwt -n __fish_use_subcommand -f -a '--help --version'
complete -c sjwt -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -f -a '(__sjwt_options)'

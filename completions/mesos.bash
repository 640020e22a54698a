# Completion of mesos(1) for bash. Flags are read from --help, ids from the cluster that MESOS_MASTER or --master
# names; a master that does not answer within a second completes nothing.

_mesos_program() {
    command -v "${COMP_WORDS[0]}" 2>/dev/null || echo mesos
}

_mesos_flags() { # COMMAND
    "$(_mesos_program)" "$1" --help 2>/dev/null |
        sed -n 's/^  \(-[a-zA-Z], \)\{0,1\}--\(\[no-\]\)\{0,1\}\([a-z_]*\).*/--\3/p'
}

_mesos_master() {
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --master=*) echo "${COMP_WORDS[i]#--master=}"; return ;;
        --master)
            # "=" is a word of its own to readline.
            if [[ ${COMP_WORDS[i + 1]} == "=" ]]; then echo "${COMP_WORDS[i + 2]}"; else echo "${COMP_WORDS[i + 1]}"; fi
            return
            ;;
        esac
    done
    echo "${MESOS_MASTER:-127.0.0.1:5050}"
}

_mesos_tasks() { # [--all]
    timeout 1 "$(_mesos_program)" tasks "$@" --master="$(_mesos_master)" 2>/dev/null |
        awk 'NR > 1 { print $1 }'
}

_mesos_roles() {
    timeout 1 "$(_mesos_program)" roles --master="$(_mesos_master)" 2>/dev/null |
        awk 'NR > 1 { print $1 }'
}

_mesos_frameworks() {
    timeout 1 "$(_mesos_program)" frameworks --master="$(_mesos_master)" 2>/dev/null |
        awk 'NR > 1 { print $1 }'
}

_mesos_agents() {
    timeout 1 "$(_mesos_program)" agents --master="$(_mesos_master)" 2>/dev/null |
        awk 'NR > 1 { print $1 }'
}

_mesos_machines() {
    timeout 1 "$(_mesos_program)" maintenance show --master="$(_mesos_master)" 2>/dev/null |
        awk 'NR > 1 { print $1 }'
}

_mesos() {
    local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} i
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "run each dev tasks task logs kill agents agent maintenance framework frameworks offers why share roles role simulate state version --help --version" -- "$current")
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            mapfile -t COMPREPLY < <(compgen -c -- "$current")
            return
        fi
    done
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_mesos_flags "$command")" -- "$current")
        return
    fi
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    --input | --resume | --keep)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --user)
        mapfile -t COMPREPLY < <(compgen -u -- "$current")
        return
        ;;
    esac
    case $command in
    kill) mapfile -t COMPREPLY < <(compgen -W "$(_mesos_tasks)" -- "$current") ;;
    task | logs) mapfile -t COMPREPLY < <(compgen -W "$(_mesos_tasks --all)" -- "$current") ;;
    share) mapfile -t COMPREPLY < <(compgen -W "$(_mesos_roles)" -- "$current") ;;
    role) mapfile -t COMPREPLY < <(compgen -W "$( ((COMP_CWORD == 2)) && echo set || _mesos_roles)" -- "$current") ;;
    agent) mapfile -t COMPREPLY < <(compgen -W "$( ((COMP_CWORD == 2)) && echo drain deactivate reactivate gone || _mesos_agents)" -- "$current") ;;
    framework) mapfile -t COMPREPLY < <(compgen -W "$( ((COMP_CWORD == 2)) && echo teardown || _mesos_frameworks)" -- "$current") ;;
    maintenance)
        if ((COMP_CWORD == 2)); then
            mapfile -t COMPREPLY < <(compgen -W "show set start stop" -- "$current")
        elif [[ ${COMP_WORDS[2]} == set ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
        else
            mapfile -t COMPREPLY < <(compgen -W "$(_mesos_machines)" -- "$current")
        fi
        ;;
    why) mapfile -t COMPREPLY < <(compgen -W "$(_mesos_roles) $(_mesos_frameworks) $(_mesos_tasks)" -- "$current") ;;
    simulate) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    run | each) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
    esac
}
complete -F _mesos mesos

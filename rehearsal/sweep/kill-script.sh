# Read by every bash that starts while BASH_ENV names it: tells each command of a rollout, and kills the rollout after one of them.
# SWEEP_LOG: file that gets SCRIPT, FUNCTION and COMMAND of each. SWEEP_AFTER: such a line, after which its whole process group is killed.
case ${0##*/} in
apply.sh | switch.sh) ;;
*) return 0 ;;
esac

sweep_armed=0

# sweep_step COMMAND: before it is done.
sweep_step() {
    local function=${FUNCNAME[1]:-} depth=${#FUNCNAME[@]} line
    if [ "$BASH_SUBSHELL" != 0 ]; then return 0; fi
    # The bottom of the stack is called main as well: apply.sh has nothing there, switch.sh has everything.
    case ${0##*/}:$function:$depth in
    apply.sh:main:3 | apply.sh:upgrade_chat:* | apply.sh:finish_upgrade:*) ;;
    switch.sh:main:2 | switch.sh:change_beside:*) ;;
    *) return 0 ;;
    esac
    # What a step itself does is deeper; it is over when the same depth is reached again.
    if [ "$sweep_armed" -gt 0 ] && [ "$depth" -le "$sweep_armed" ]; then
        kill -KILL 0
        sleep 60
    fi
    line="${0##*/}"$'\t'"$function"$'\t'"${1//[$'\n\t']/ }"
    if [ -n "${SWEEP_LOG:-}" ]; then printf '%s\n' "$line" >>"$SWEEP_LOG"; fi
    if [ "$line" = "${SWEEP_AFTER:-}" ]; then sweep_armed=$depth; fi
    return 0
}
set -o functrace
trap 'sweep_step "$BASH_COMMAND"' DEBUG

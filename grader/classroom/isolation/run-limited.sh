# Runs a program with limits that it cannot lift:
#
#   sh run-limited.sh CPU_SECONDS FILE_BLOCKS PROGRAM ARGUMENTS...
#
# With PROCESSES in the environment, its user may have so many, threads included, and becomes nobody else.
set -eu

ulimit -t "$1"
ulimit -f "$2"
ulimit -c 0
shift 2
[ -n "${PROCESSES-}" ] || exec "$@"

# Shells do not agree on the letter.
ulimit -u "$PROCESSES" 2>/dev/null || ulimit -p "$PROCESSES" 2>/dev/null || :
unset PROCESSES
if command -v setpriv >/dev/null; then exec setpriv --no-new-privs "$@"; fi
exec "$@"

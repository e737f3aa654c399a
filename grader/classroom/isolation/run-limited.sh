# Runs a program with limits that it cannot lift:
#
#   sh run-limited.sh CPU_SECONDS FILE_BLOCKS PROGRAM ARGUMENTS...
set -eu

ulimit -t "$1"
ulimit -f "$2"
ulimit -c 0
shift 2
exec "$@"

# Runs a program where it sees nothing of the machine but what it needs. Started by unshare, which has put it into user,
# mount, process and network namespaces of its own:
#
#   sh enter-sandbox.sh ROOT MOUNTS CPU_SECONDS FILE_BLOCKS PROGRAM ARGUMENTS...
#
# MOUNTS is a file in the format of /etc/fstab, which makes ROOT what the program is to see. One process mounts it all: a
# grading starts many of these.
set -eu

root=$1 mounts=$2 cpu_seconds=$3 file_blocks=$4
shift 4

mount --all --fstab "$mounts"
# Read-only: of what is in /proc/sys, root may write to much, without any capability.
mount -t proc -o ro proc "$root/proc" 2>/dev/null || :

ulimit -t "$cpu_seconds"
ulimit -f "$file_blocks"
ulimit -c 0
cd "$root"
exec chroot "$root" setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"

# Runs a program where it sees nothing of the machine but what it needs. Started by unshare, which has put it into user,
# mount, process and network namespaces of its own:
#
#   sh sandbox.sh NEW_ROOT CPU_SECONDS FILE_BLOCKS READABLE... -- PROGRAM ARGUMENTS...
#
# READABLE are files and folders, at the same path inside as outside. Nothing else is there. It can write to /tmp alone,
# which is in memory, and gone at its end.
set -eu

root=$1 cpu_seconds=$2 file_blocks=$3
shift 3

mount --make-rprivate /
mount -t tmpfs -o size=64m,mode=755 tmpfs "$root"
mkdir "$root/proc" "$root/dev" "$root/tmp"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"

place() {
  if [ -d "$1" ]; then
    mkdir -p "$root$1"
  else
    mkdir -p "$(dirname "$root$1")"
    : > "$root$1"
  fi
  mount --rbind "$1" "$root$1"
}

while [ "$1" != -- ]; do
  if [ -e "$1" ]; then
    place "$1"
    mount -o remount,bind,ro "$root$1"
  fi
  shift
done
shift

mount -t proc proc "$root/proc" 2>/dev/null || :
for device in null zero random urandom; do place "/dev/$device"; done
mount -o remount,ro "$root"

ulimit -t "$cpu_seconds"
ulimit -f "$file_blocks"
ulimit -c 0
cd "$root"
exec chroot "$root" setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"

# Ends all that a user has started, and removes all that it has left. Run as that user: so it can hurt nobody else, and a
# process that has left its group, its parent and its environment behind is found all the same.
#
#   sh sweep-user.sh USER FOLDERS...
#
# FOLDERS are those in which everybody may write.
user=$1
shift

# "Everything" is meant for a user that owns nothing, and for no other.
[ "$(id -u)" = "$user" ] && [ "$user" -ge 60000 ] || exit 1

# Somebody else of that user, where /proc tells.
is_there_another() {
  for process in /proc/[0-9]*; do
    [ -O "$process" ] && [ "$process" != "/proc/$$" ] && return 0
  done
  return 1
}

# All at once: what is being forked at this moment dies too. They take a moment to be gone.
kill -s KILL -- -1 2>/dev/null
tries=0
while is_there_another && [ "$tries" -lt 40 ]; do
  tries=$((tries + 1))
  sleep 0.05
  kill -s KILL -- -1 2>/dev/null
done

for folder; do
  [ -r "$folder" ] || continue
  # What it has shut to itself it can open again.
  find "$folder" -mindepth 1 -maxdepth 1 -user "$user" -type d -exec chmod -R u+rwx {} + 2>/dev/null
  find "$folder" -mindepth 1 -maxdepth 1 -user "$user" -exec rm -rf {} + 2>/dev/null
done

# Memory, semaphores and queues that outlive their processes (System V): columns are found by their names.
for kind in shm sem msq; do
  list=/proc/sysvipc/$kind
  [ "$kind" = msq ] && list=/proc/sysvipc/msg
  [ -r "$list" ] || continue
  awk -v user="$user" -v id="${kind}id" '
    NR == 1 { for (n = 1; n <= NF; n++) column[$n] = n; next }
    $column["uid"] == user { print $column[id] }
  ' "$list" | while read -r id; do
    case $kind in
      shm) ipcrm -m "$id" ;;
      sem) ipcrm -s "$id" ;;
      msq) ipcrm -q "$id" ;;
    esac
  done
done 2>/dev/null
exit 0

#!/bin/sh
# Does what `docker run` would do in a container of the workbook's image, on this machine: what the container mounts is
# replaced by where that really is. Writes down what it was called with, to $FAKE_DOCKER_LOG.
echo "docker $*" >> "$FAKE_DOCKER_LOG"
case $1 in
  image)
    for image; do :; done
    [ "$image" = workbook-grader ] && echo sha256:0 && exit 0
    echo "Error: No such image: $image" >&2
    exit 1
    ;;
  run)
    for argument; do
      case $argument in
        type=bind,*)
          source=${argument#*source=}
          source=${source%%,*}
          ;;
      esac
    done
    sed -u "s#/submissions#$source#g" | node grader/classroom/launch-worker.cjs 2
    ;;
esac

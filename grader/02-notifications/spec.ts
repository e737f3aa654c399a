import type { Spec } from '../harness/grade-exercise.ts';
import * as delivering from './delivering.ts';
import type { Notifications } from './newsroom.ts';
import { requirements } from './requirements.ts';
import * as retrying from './retrying.ts';
import * as sending from './sending.ts';

export const spec: Spec<Notifications> = {
  requirements,
  checks: {
    send: sending.send,
    keep: sending.keep,
    groups: sending.groups,
    'groups-again': sending.groupsAgain,
    deliver: delivering.deliver,
    routes: delivering.routes,
    'every-group': delivering.everyGroup,
    stop: delivering.stop,
    share: delivering.share,
    ack: delivering.ack,
    retry: retrying.retry,
    crash: delivering.crash,
    late: retrying.late,
    slow: delivering.slow,
    unexpected: delivering.unexpected,
  },
};

import type { Spec } from '../harness/grade-exercise.ts';
import * as burying from './burying.ts';
import * as publishing from './publishing.ts';
import * as reclaiming from './reclaiming.ts';
import * as recovering from './recovering.ts';
import { requirements } from './requirements.ts';
import type { Orders } from './shop.ts';
import * as working from './working.ts';

export const spec: Spec<Orders> = {
  requirements,
  checks: {
    publish: publishing.publish,
    trim: publishing.trim,
    group: publishing.group,
    'group-again': publishing.groupAgain,
    work: working.work,
    ack: working.ack,
    share: working.share,
    stop: working.stop,
    pending: recovering.pending,
    reclaim: reclaiming.reclaim,
    trimmed: recovering.trimmed,
    history: recovering.history,
    crash: working.crash,
    dead: burying.dead,
    unexpected: working.unexpected,
  },
};

import type { Spec } from '../harness/grade-exercise.ts';
import * as applying from './applying.ts';
import * as projecting from './projecting.ts';
import { rebuild } from './rebuilding.ts';
import { rebuildLive } from './rebuilding-live.ts';
import { requirements } from './requirements.ts';
import { share } from './sharing.ts';
import { snapshots } from './snapshots.ts';
import { stop } from './stopping.ts';
import type { Carts } from './store.ts';
import * as takingOver from './taking-over.ts';
import { unexpected } from './unexpected.ts';

export const spec: Spec<Carts> = {
  requirements,
  checks: {
    record: applying.record,
    apply: applying.apply,
    once: applying.once,
    read: applying.read,
    rebuild,
    project: projecting.project,
    'new-users': projecting.newUsers,
    redelivered: projecting.redelivered,
    stop,
    share,
    crash: takingOver.crash,
    'rebuild-live': rebuildLive,
    zombie: takingOver.zombie,
    snapshots,
    unexpected,
  },
};

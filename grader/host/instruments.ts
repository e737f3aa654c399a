import inspector from 'node:inspector';
import promises from 'node:inspector/promises';
import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';

/**
 * Takes away what looks into the memory of the process, where the key of its witness is: the debugger, snapshots of the heap, and
 * flags for V8. A submission has no use for them.
 */
export function removeInstruments(): void {
  for (const name of ['Session', 'open', 'url']) {
    Reflect.deleteProperty(inspector, name);
    Reflect.deleteProperty(promises, name);
  }
  for (const name of [
    'getHeapSnapshot',
    'writeHeapSnapshot',
    'setHeapSnapshotNearHeapLimit',
    'queryObjects',
    'setFlagsFromString',
  ]) {
    Reflect.deleteProperty(v8, name);
  }
  for (const name of ['_debugProcess', '_debugEnd', 'binding', '_linkedBinding', 'dlopen']) {
    Reflect.deleteProperty(process, name);
  }
  syncBuiltinESMExports();
  // Node would listen for a debugger; Windows has no such signal.
  if (process.platform !== 'win32') process.on('SIGUSR1', () => {});
}

/** Of processor time, for each process of a submission. */
const CPU_SECONDS = 120;
/** In blocks of 512 bytes, as `ulimit -f` counts: 32 MB. */
const LARGEST_FILE = 65_536;

export const LIMITS = [String(CPU_SECONDS), String(LARGEST_FILE)];

/** Of processor time, for each process of a submission. */
export const CPU_SECONDS = 120;
/** In blocks of 512 bytes, as `ulimit -f` counts: 32 MB. */
export const LARGEST_FILE = 65_536;

/** The local time as a part of a file's name, in an order that sorts: `2026-11-23_14-05-09`. */
export function timestamp(time = new Date()): string {
  return time.toLocaleString('sv-SE').replace(' ', '_').replaceAll(':', '-');
}

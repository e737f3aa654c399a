/** The local time as a part of a file's name, in an order that sorts: `2026-11-23_14-05-09`. */
export function timestamp(time = new Date()): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${date}_${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join('-')}`;
}

import { colour } from '../../system/terminal/colour.ts';
import { cut, padded } from '../../system/terminal/width.ts';
import type { Exercise } from '../exercises.ts';
import { type StudentRecord, totalOf } from './student-record.ts';

const TITLE_WIDTH = 56;
const BAR_WIDTH = 10;

/** What a class run ends with: how many, the median, and for each requirement how many have got it. */
export function classSummary(
  records: readonly StudentRecord[],
  exercises: readonly Exercise[],
): string {
  const totals = records.map((record) => totalOf(record).points);
  const of = exercises
    .flatMap(({ requirements }) => requirements)
    .reduce((sum, one) => sum + one.points, 0);
  const count = (status: string) => records.filter((record) => record.status === status).length;
  const lines = [
    `${records.length} students: ${count('graded')} graded, ${count('missing')} handed in nothing, ${count('stopped')} stopped`,
    `Median: ${median(totals)} of ${of} points`,
  ];
  for (const exercise of exercises) {
    lines.push('', colour.bold(`${exercise.number}. ${exercise.title}`));
    for (const requirement of exercise.requirements) {
      const passed = records.filter((record) => hasPassed(record, exercise.name, requirement.id));
      const share = records.length === 0 ? 0 : passed.length / records.length;
      const bar = '#'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '-');
      const title = padded(cut(requirement.title, TITLE_WIDTH), TITLE_WIDTH);
      const percent = `${Math.round(share * 100)} %`.padStart(5);
      lines.push(` ${String(requirement.number).padStart(2)}  ${title} ${bar} ${percent}`);
    }
  }
  return lines.join('\n');
}

function hasPassed({ exercises }: StudentRecord, exercise: string, id: string): boolean {
  const own = exercises.find((one) => one.exercise === exercise);
  const result = own?.results.find(({ requirement }) => requirement.id === id);
  return result?.verdict.status === 'passed';
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

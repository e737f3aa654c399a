import type { Exercise } from '../exercises.ts';
import { type Section, sectionsOf } from '../report/sections.ts';
import { pointsOf, type RequirementResult } from '../result.ts';
import { type ExerciseRecord, type StudentRecord, totalOf } from './student-record.ts';

/** One student's report, for the student: what was required, what was earned, and for what was not, why. */
export function studentReport(record: StudentRecord, exercises: readonly Exercise[]): string {
  const { points, of } = totalOf(record);
  const parts = record.exercises.map((one) => exerciseReport(one, exercises));
  const notes = record.notes.map((note) => `- ${text(note)}`);
  return [
    `# ${text(record.student)}: ${points} of ${of} points`,
    `Seed ${record.seed}.`,
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    ...parts,
    '',
  ].join('\n\n');
}

function exerciseReport(record: ExerciseRecord, exercises: readonly Exercise[]): string {
  const exercise = exercises.find(({ name }) => name === record.exercise);
  const heading = `## ${exercise?.title ?? record.exercise}: ${record.points} of ${record.of} points`;
  if (!record.file) return `${heading}\n\nNothing was handed in for it.`;
  const rows = record.results.map(
    (result) =>
      `| ${result.requirement.number} | ${text(result.requirement.title)} | ${result.verdict.status} | ${pointsOf(result)} of ${result.requirement.points} |`,
  );
  const reasons = new Set(record.results.map(({ verdict }) => verdict.happened));
  const broken =
    reasons.size === 1 && record.results.every(({ verdict }) => verdict.status === 'crashed');
  const failed = (broken ? record.results.slice(0, 1) : record.results).filter(
    ({ verdict }) => !/^(passed|not started)$/.test(verdict.status),
  );
  return [
    heading,
    ['| | requirement | result | points |', '| -: | - | - | -: |', ...rows].join('\n'),
    ...failed.map(failure),
    ...record.typeProblems.map(({ place, message }) => `TypeScript: \`${place}\` ${text(message)}`),
  ].join('\n\n');
}

function failure({ requirement, verdict }: RequirementResult): string {
  const { findings, blocks } = sectionsOf(verdict);
  const lines = [
    `### ${requirement.number}. ${text(requirement.title)}`,
    ...findings.map((finding) => `- ${finding.label}: ${text(finding.text)}`),
  ];
  return [lines.join('\n'), ...blocks.flatMap(block)].join('\n\n');
}

/** Lines as they are. The fence is longer than any in them. */
function block({ title, lines }: Section): string[] {
  const longest = Math.max(0, ...(lines.join('\n').match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return [
    `${title[0]?.toUpperCase()}${title.slice(1)}:`,
    `${fence}text\n${lines.join('\n')}\n${fence}`,
  ];
}

/** A learner's words, which must not become headings, tables or pictures. */
function text(words: string): string {
  return words.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/[\\`*_{}[\]<>|#!]/g, '\\$&');
}

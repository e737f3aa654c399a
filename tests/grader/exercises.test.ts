import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findExercise, readExercises } from '../../grader/exercises.ts';
import { lessonFiles, readChapters } from '../../workbook/book/chapters.ts';
import { ROOT } from '../support/workbook.ts';

// The exercises check themselves: all their parts are there, and what they name exists.

const EXERCISES = readExercises();
const numbered = (folder: string) =>
  readdirSync(join(ROOT, folder)).filter((name) => /^\d\d-/.test(name));

describe('the three trees', () => {
  it('hold the same folders', () => {
    expect(numbered('solutions')).toEqual(numbered('exercises'));
    expect(numbered('grader')).toEqual(numbered('exercises'));
  });
});

describe.each(EXERCISES)('the exercise $name', (exercise) => {
  const { folder, number, fileName, file, solution, requirements } = exercise;
  const starter = readFileSync(file, 'utf8');
  const solved = readFileSync(solution, 'utf8');
  const task = readFileSync(join(ROOT, 'exercises', folder, 'README.md'), 'utf8');

  it('has one starter file and one solution of the same name, and a text for each', () => {
    expect(readdirSync(join(ROOT, 'exercises', folder)).sort()).toEqual(['README.md', fileName]);
    expect(readdirSync(join(ROOT, 'solutions', folder)).sort()).toEqual(['README.md', fileName]);
    expect(task).toMatch(new RegExp(`^# ${number}\\. \\S`));
    expect(task).toContain(`npm run grade ${exercise.name}`);
    expect(task).toContain('## Tasks');
    expect(task).toContain('Out of scope');
    expect(task).toContain(`](../../solutions/${folder}/README.md)`);
  });

  it('has a starter that says what to do and throws, and a solution that does it', () => {
    const todos = starter.match(
      / {2}\/\/ TODO: .+\n {2}throw new Error\('Not implemented yet'\);/g,
    );
    const functions = starter.match(/^export async function /gm);
    expect(todos?.length).toBe(functions?.length);
    expect(solved).not.toMatch(/TODO|Not implemented/);
  });

  it('keeps a copy of the starter, to begin again with, and says what was learned', () => {
    expect(readFileSync(exercise.starter, 'utf8')).toBe(starter);
    expect(exercise.learned?.length).toBeGreaterThan(100);
  });

  it('has the same exported functions in starter and solution, with the same contracts', () => {
    const contracts = (code: string) =>
      [...code.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\nexport async function (\w+)/g)]
        .map(([, contract, name]) => `${name}: ${contract}`)
        .sort();
    expect(contracts(solved)).toEqual(contracts(starter));
    expect(contracts(starter).length).toBeGreaterThan(0);
  });

  it('imports nothing but ioredis and what belongs to Node', () => {
    for (const code of [starter, solved]) {
      for (const [, from] of code.matchAll(/from '([^']+)'/g))
        expect(from).toMatch(/^(ioredis|node:.*)$/);
    }
  });

  it('has 8 to 15 requirements with 100 points in all, in the order of the tasks', () => {
    expect(requirements.length).toBeGreaterThanOrEqual(8);
    expect(requirements.length).toBeLessThanOrEqual(15);
    expect(requirements.reduce((sum, { points }) => sum + points, 0)).toBe(100);
    expect(requirements.every(({ points }) => Number.isInteger(points) && points > 0)).toBe(true);
    expect(new Set(requirements.map(({ id }) => id)).size).toBe(requirements.length);
    const tasks = requirements.map(({ task }) => task);
    expect(tasks).toEqual(tasks.toSorted((a, b) => a - b));
    for (const number of tasks) expect(task).toMatch(new RegExp(`^### ${number}\\. `, 'm'));
  });

  it.each(requirements)('has hints for $id, and a lesson that exists', ({ hints, lesson }) => {
    expect(hints.length).toBeGreaterThanOrEqual(2);
    expect(hints.every((hint) => hint.length > 20)).toBe(true);
    const chapter = readChapters().find((candidate) => candidate.number === lesson.chapter);
    const pages = chapter ? lessonFiles(chapter) : [];
    const text = pages.map((page) => readFileSync(page, 'utf8')).join('\n');
    expect(text.split('\n')).toContain(
      text.includes(`### ${lesson.heading}`) ? `### ${lesson.heading}` : `## ${lesson.heading}`,
    );
  });

  it('is found by its number, its name, and a part of its folder', () => {
    for (const wanted of [String(number), `0${number}`, exercise.name, folder.slice(3)]) {
      expect(findExercise(wanted).folder).toBe(folder);
    }
    expect(existsSync(exercise.spec)).toBe(true);
  });
});

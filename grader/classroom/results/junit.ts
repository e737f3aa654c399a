import { stripVTControlCharacters } from 'node:util';
import { create } from 'xmlbuilder2';
import { sectionsOf } from '../../report/sections.ts';
import { type ExerciseResult, pointsOf, type RequirementResult } from '../../result.ts';

const XML_CHARACTERS = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/**
 * The results as JUnit XML. A requirement that did not come to a verdict is an `error`, never an
 * empty test case, which every reader of this format takes for a pass. Points are properties of the
 * test case.
 */
export function toJunit(results: readonly ExerciseResult[], seed: number): string {
  const suites = results.map(({ exercise, file, results: requirements }) => ({
    '@name': `${exercise.number}. ${exercise.title}`,
    ...counts(requirements),
    properties: { property: { '@name': 'seed', '@value': seed } },
    testcase: requirements.map((result) => testCase(result, exercise.folder, file)),
  }));
  const all = results.flatMap((result) => result.results);
  const root = { testsuites: { '@name': 'grade', ...counts(all), testsuite: suites } };
  return create({ version: '1.0', encoding: 'UTF-8' }, root).end({ prettyPrint: true });
}

function counts(results: readonly RequirementResult[]) {
  const failures = results.filter(({ verdict }) => verdict.status === 'failed').length;
  const passed = results.filter(({ verdict }) => verdict.status === 'passed').length;
  return {
    '@tests': results.length,
    '@failures': failures,
    '@errors': results.length - failures - passed,
    '@time': seconds(results.reduce((sum, { milliseconds }) => sum + milliseconds, 0)),
  };
}

function testCase(result: RequirementResult, folder: string, file: string) {
  const { requirement, verdict, milliseconds } = result;
  const { findings, blocks } = sectionsOf(verdict);
  const told = [
    ...findings.map(({ label, text }) => `${label}: ${text}`),
    ...blocks.flatMap(({ title, lines }) => ['', title, ...lines]),
  ];
  const trouble = {
    '@message': xmlText(`${verdict.status}: ${verdict.happened ?? ''}`),
    '@type': verdict.status,
    '#': xmlText(told.join('\n')),
  };
  const printed = blocks.find(({ title }) => title === 'printed')?.lines ?? [];
  return {
    '@name': `${requirement.number}. ${requirement.title}`,
    '@classname': `${folder}.${requirement.id}`,
    '@file': file,
    '@time': seconds(milliseconds),
    properties: {
      property: [
        { '@name': 'points', '@value': pointsOf(result) },
        { '@name': 'max-points', '@value': requirement.points },
      ],
    },
    ...(verdict.status === 'failed' ? { failure: trouble } : {}),
    ...(['failed', 'passed'].includes(verdict.status) ? {} : { error: trouble }),
    ...(printed.length > 0 ? { 'system-out': xmlText(printed.join('\n')) } : {}),
  };
}

/** XML 1.0 has no way to write most control characters, not even escaped. */
function xmlText(text: string): string {
  return stripVTControlCharacters(text).replace(XML_CHARACTERS, '');
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

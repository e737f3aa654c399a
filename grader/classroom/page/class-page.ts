import { createHash } from 'node:crypto';
import type { Exercise } from '../../exercises.ts';
import type { Status } from '../../requirement.ts';
import { inWords, minutesLate } from '../due.ts';
import { namesOf, type Run } from '../run-file.ts';
import { type ExerciseRecord, type StudentRecord, totalOf } from '../student-record.ts';
import { type Gap, gapsOf } from './class-gaps.ts';
import { html, Markup } from './html.ts';
import { STYLE } from './style.ts';

/** So many of the requirements that the class did not get are shown at once. */
const FIRST_GAPS = 10;

/** How a requirement came out: a sign, and the style's class. The words beside it are for those who do not see them. */
const MARKS: Record<Status, { sign: string; look: 'passed' | 'failed' | 'none' }> = {
  passed: { sign: '✓', look: 'passed' },
  failed: { sign: '✗', look: 'failed' },
  crashed: { sign: '!', look: 'failed' },
  'timed out': { sign: '…', look: 'failed' },
  'not started': { sign: '–', look: 'none' },
};

export interface PageOptions {
  /** Whether points stand on it, or only what has passed. */
  readonly hasPoints: boolean;
  /** Where a student's report is, seen from the page: an address. */
  readonly reportOf: (student: string) => string;
}

/**
 * A class on one page: who has what, and what the class did not get. It is one file that loads nothing and runs nothing: its
 * policy forbids both, and whatever a student has written is text.
 */
export function classPage(
  records: readonly StudentRecord[],
  run: Run,
  options: PageOptions,
): string {
  const title = `How the class did: ${namesOf(run)}`;
  const hash = createHash('sha256').update(STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="quiet">All with the same data: seed ${run.seed}.${run.due && ` Due ${shownTime(run.due)}.`}</p>
${figures(records, run, options)}
<nav aria-label="On this page"><ul>
<li><a href="#gaps">What the class did not get</a></li>
<li><a href="#students">Students</a></li>
${run.exercises.map(({ name, title }) => html`<li><a href="#${name}">${title}</a></li>\n`)}</ul></nav>
</header>
<main>
${gapsSection(records, run.exercises)}
${studentsSection(records, run, options)}
${run.exercises.map((exercise) => exerciseSection(exercise, records, options))}
</main>
</body>
</html>
`.text;
}

function figures(records: readonly StudentRecord[], { exercises, due }: Run, options: PageOptions) {
  const count = (status: string) => records.filter((record) => record.status === status).length;
  const late = records.filter(({ handedIn }) => due && minutesLate(handedIn, due));
  const of = exercises.flatMap(({ requirements }) => requirements);
  const most = of.reduce((sum, { points }) => sum + points, 0);
  const all: [string, string | number][] = [
    ['Students', records.length],
    ['Graded', count('graded')],
    ['Handed in nothing', count('missing')],
    ['Stopped', count('stopped')],
    ...(due ? [['Late', late.length] satisfies [string, number]] : []),
  ];
  if (options.hasPoints) {
    const points = records.map((record) => totalOf(record).points);
    all.push(['Median', `${median(points)} of ${most} points`]);
  }
  return html`<dl class="figures">
${all.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}

function gapsSection(records: readonly StudentRecord[], exercises: readonly Exercise[]): Markup {
  const gaps = gapsOf(records, exercises).filter(({ passed, handedIn }) => passed < handedIn);
  const [first, more] = [gaps.slice(0, FIRST_GAPS), gaps.slice(FIRST_GAPS)];
  const rest = html`<details><summary>${more.length} more, which more of the class have got</summary>
${gapsTable(more, 'The other requirements that somebody has not got')}
</details>`;
  return html`<section aria-labelledby="gaps">
<h2 id="gaps">What the class did not get</h2>
${
  gaps.length === 0
    ? html`<p>Whoever handed something in has got all of it.</p>`
    : gapsTable(first, 'Of those who handed the exercise in, what fewest have got comes first')
}
${more.length > 0 ? rest : ''}
</section>`;
}

function gapsTable(gaps: readonly Gap[], caption: string): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr><th scope="col">Requirement</th><th scope="col">Got it</th><th scope="col">What went wrong most often</th><th scope="col">Taught in</th></tr></thead>
<tbody>
${gaps.map(
  ({ exercise, requirement, handedIn, passed, mostOften }) => html`<tr>
<th scope="row">${exercise.name} ${requirement.number}. ${requirement.title}</th>
<td class="got">${passed} of ${handedIn}<meter min="0" max="${handedIn}" value="${passed}">${passed} of ${handedIn}</meter></td>
<td class="words"><bdi>${mostOften?.words}</bdi> <span class="quiet">(${mostOften?.count} of ${handedIn - passed})</span></td>
<td>Chapter ${requirement.lesson.chapter}, ${requirement.lesson.heading}</td>
</tr>
`,
)}</tbody></table></div>`;
}

function studentsSection(
  records: readonly StudentRecord[],
  { exercises, due }: Run,
  { hasPoints, reportOf }: PageOptions,
): Markup {
  const columns = hasPoints ? [...exercises.map(({ name }) => name), 'total'] : [];
  const caption = 'Everybody, with links to their reports';
  return html`<section aria-labelledby="students">
<h2 id="students">Students</h2>
<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr><th scope="col">Student</th><th scope="col">Status</th>${columns.map(
    (name) => html`<th scope="col" class="number">${name}</th>`,
  )}<th scope="col">Handed in</th><th scope="col">Note</th></tr></thead>
<tbody>
${records.map((record) => {
  const points = record.exercises.map((one) => one.points);
  const numbers = hasPoints ? [...points, totalOf(record).points] : [];
  return html`<tr>
<th scope="row"><a href="${reportOf(record.student)}"><bdi>${record.student}</bdi></a></th>
<td>${record.status}</td>${numbers.map((number) => html`<td class="number">${number}</td>`)}
<td class="time">${handedIn(record, due)}</td>
<td><bdi>${record.notes.join('; ')}</bdi></td>
</tr>
`;
})}</tbody></table></div>
</section>`;
}

function handedIn({ handedIn: time }: StudentRecord, due: string | undefined): Markup {
  const late = due === undefined ? 0 : (minutesLate(time, due) ?? 0);
  if (time === undefined) return html`–`;
  const said = html`<br><span class="late">${inWords(late)} late</span>`;
  return html`<time datetime="${time}">${shownTime(time)}</time>${late > 0 ? said : ''}`;
}

function exerciseSection(
  exercise: Exercise,
  records: readonly StudentRecord[],
  { hasPoints, reportOf }: PageOptions,
): Markup {
  const { name, title, requirements } = exercise;
  const caption = '✓ passed, ✗ failed, ! crashed, … timed out, – not started or not handed in';
  return html`<section aria-labelledby="${name}">
<h2 id="${name}">${title}</h2>
<details><summary>The ${requirements.length} requirements</summary>
<ol class="list">${requirements.map((one) => html`<li>${one.title}</li>\n`)}</ol></details>
<div class="scroll" role="region" tabindex="0" aria-label="${title}: students and requirements"><table class="matrix">
<caption>${caption}</caption>
<thead><tr><th scope="col">Student</th>${requirements.map(
    (one) =>
      html`<th scope="col" title="${one.title}">${one.number}<span class="said">. ${one.title}</span></th>`,
  )}${hasPoints ? html`<th scope="col">Points</th>` : ''}</tr></thead>
<tbody>
${records.map((record) => {
  const own = record.exercises.find((one) => one.exercise === name);
  return html`<tr><th scope="row"><a href="${reportOf(record.student)}"><bdi>${record.student}</bdi></a></th>${own && marks(own)}${
    hasPoints ? html`<td class="number">${own?.points ?? 0}</td>` : ''
  }</tr>
`;
})}</tbody></table></div>
</section>`;
}

function marks({ results }: ExerciseRecord): Markup[] {
  return results.map(({ verdict: { status } }) => {
    const { sign, look } = MARKS[status];
    return html`<td class="${look}"><span aria-hidden="true">${sign}</span><span class="said">${status}</span></td>`;
  });
}

/** As a time without seconds, in UTC: the page may be read elsewhere than it was made. */
function shownTime(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

import { shownPath } from '../../system/paths.ts';
import type { Verdict } from '../requirement.ts';

/** A part of what there is to say about a verdict. */
export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/** What every report tells of a verdict, in this order; what there is nothing of is left out. */
export interface Sections {
  /** What was expected, what happened, and where: a sentence or two each. */
  readonly findings: readonly { readonly label: string; readonly text: string }[];
  /** Commands, the state of the database, output: lines as they are. */
  readonly blocks: readonly Section[];
}

/**
 * Makes a verdict into sections: how they look is up to the report.
 *
 * @param mostPrinted how many lines of what a worker has printed are told
 */
export function sectionsOf(
  { expected, happened, frame, sequence = [], commands = [], state = [], printed = [] }: Verdict,
  mostPrinted = Number.POSITIVE_INFINITY,
): Sections {
  const findings = [
    { label: 'expected', text: expected },
    { label: 'happened', text: happened },
    { label: 'at', text: frame && shownPath(frame) },
  ];
  const output = printed.flatMap(({ worker, text }) => {
    const lines = text.trimEnd().split('\n');
    const left = lines.length - mostPrinted;
    const shown = left > 0 ? [...lines.slice(0, mostPrinted), `... and ${left} lines more`] : lines;
    return shown.map((line) => `${worker} | ${line}`);
  });
  const blocks = [
    { title: 'who did what when', lines: sequence },
    { title: 'sent to Redis', lines: commands },
    { title: 'in Redis afterwards', lines: state },
    { title: 'printed', lines: output },
  ];
  return {
    findings: findings.flatMap(({ label, text }) => (text ? [{ label, text }] : [])),
    blocks: blocks.filter(({ lines }) => lines.length > 0),
  };
}

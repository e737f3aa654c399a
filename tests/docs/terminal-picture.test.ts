import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { create } from 'xmlbuilder2';
import { omission, record, svgOf, textOf, typed } from '../../docs/pictures/terminal-picture.ts';
import { ROOT } from '../support/workbook.ts';

const PICTURES = join(ROOT, 'docs', 'pictures');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** What this script writes, as it is to be seen in a terminal of 40 columns. */
function recordOutput(script: string) {
  return record({
    program: process.execPath,
    args: ['-e', script],
    cwd: ROOT,
    env: { ...process.env, TERM: 'xterm-256color' },
    columns: 40,
  });
}

describe('a picture of a terminal', () => {
  it('has the text of a command in its place, and in its colours', async () => {
    const lines = await recordOutput(
      String.raw`console.log('plain \x1b[32mgreen\x1b[39m  \x1b[1mbold & <b>\x1b[22m\n\n   \x1b[2m世界 dim\x1b[22m')`,
    );

    const svg = svgOf([typed('npm run it'), ...lines, omission()], 40, 'What it says');

    expect(lines.map(textOf)).toEqual(['plain green  bold & <b>', '', '   世界 dim']);
    expect(svg).toContain('<title>What it says</title>');
    expect(svg).toContain('<text class="bold" x="32" y="29" textLength="80">npm run it</text>');
    expect(svg).toContain('<text x="16" y="47" textLength="40">plain</text>');
    expect(svg).toContain('<text class="c2" x="64" y="47" textLength="40">green</text>');
    expect(svg).toContain('>bold &amp; &lt;b&gt;</text>');
    expect(svg).toMatch(/<text class="dim" x="40" y="83" textLength="64">世界 dim<\/text>/);
    expect(() => create(svg)).not.toThrow();
  });

  it('is of what a terminal shows in the end, not of all that was written to it', async () => {
    const lines = await recordOutput(
      String.raw`process.stdout.write('Working ...\r\x1b[2KDone.\n' + 'x'.repeat(41))`,
    );

    expect(lines.map(textOf)).toEqual(['Done.', 'x'.repeat(40), 'x']);
  });
});

describe('the pictures of README.md', () => {
  const shown = [...README.matchAll(/!\[([^\]]*)\]\(docs\/pictures\/([^)]+)\)/g)];
  const there = readdirSync(PICTURES).filter((name) => name.endsWith('.svg'));

  it('are all of them shown, near the top, and described', () => {
    expect(shown.map(([, , name]) => name).toSorted()).toEqual(there.toSorted());
    expect(README.indexOf('docs/pictures/')).toBeLessThan(README.indexOf('## Day to day'));
    for (const [, alt = ''] of shown) expect(alt.length).toBeGreaterThan(40);
  });

  it.each(there)('%s is small, stands alone, and is made by npm run pictures', (name) => {
    const svg = readFileSync(join(PICTURES, name), 'utf8');

    expect(svg.length).toBeLessThan(60_000);
    expect(svg).toMatch(/<text class="bold"[^>]*>npm run (chapter|grade) /);
    expect(svg).not.toMatch(/<script|<image|href=|url\(/);
    expect(svg, 'no folder of the machine that it was made on').not.toMatch(/\/(tmp|home|root)\//);
  });
});

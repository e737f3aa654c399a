import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyOfTheWorkbook } from '../support/copy.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 120_000 };

describe('a fourth exercise', () => {
  it('is three folders, and no list to edit', LONG, async () => {
    const bench = new Bench();
    const copy = copyOfTheWorkbook(bench, 'a copy with a fourth exercise');
    const files: Record<string, string> = {
      'exercises/04-page-views/README.md': '# 4. Page views\n\nCount them.\n',
      'exercises/04-page-views/views.ts':
        "import type { Redis } from 'ioredis';\n\nexport async function countView(redis: Redis, page: string): Promise<string> {\n  // TODO: XADD.\n  throw new Error('Not implemented yet');\n}\n",
      'solutions/04-page-views/README.md': '# 4. Page views: the answer\n',
      'solutions/04-page-views/views.ts':
        "import type { Redis } from 'ioredis';\n\nexport async function countView(redis: Redis, page: string): Promise<string> {\n  return String(await redis.xadd('views', '*', 'page', page));\n}\n",
      'grader/04-page-views/requirements.ts':
        "import type { Requirement } from '../requirement.ts';\n\nexport const requirements: readonly Requirement[] = [\n  {\n    id: 'count',\n    title: 'A view becomes an entry of views',\n    points: 100,\n    task: 1,\n    hints: ['XADD.', \"redis.xadd('views', '*', 'page', page)\"],\n    lesson: { chapter: 2, heading: 'The command, part by part' },\n  },\n];\n",
      'grader/04-page-views/spec.ts':
        "import type { Spec } from '../harness/grade-exercise.ts';\nimport { expectThat } from '../harness/unmet.ts';\nimport { requirements } from './requirements.ts';\n\ntype Views = typeof import('./starter.ts');\n\nexport const spec: Spec<Views> = {\n  requirements,\n  checks: {\n    count: async (trial) => {\n      const site = await trial.hire('site');\n      const id = await site.call.countView('/tea');\n      const entries = await trial.redis.xrange('views', '-', '+');\n      expectThat(entries.length === 1 && entries[0]?.[0] === id, {\n        expected: 'one entry, and its id',\n        happened: JSON.stringify(entries),\n      });\n    },\n  },\n};\n",
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(copy, path, '..'), { recursive: true });
      writeFileSync(join(copy, path), text);
    }

    const solution = await bench.runWith({ cwd: copy }, 'grade', '4', '--solutions');
    const starter = await bench.runWith({ cwd: copy }, 'grade', 'views');

    expect(solution.stdout).toContain('4. Page views');
    expect(solution.stdout).toContain('100 of 100 points');
    expect(solution.code).toBe(0);
    expect(starter.stdout).toContain('(not started)');
    expect(starter.stdout).toContain('0 of 100 points');
    expect(starter.code).toBe(1);
  });
});

import { dirname, join, normalize } from 'node:path';

/** An import as it stands in a file, types included: they are arrows too. */
export interface Arrow {
  readonly from: string;
  /** A path below the repository's folder, or the name of a package. */
  readonly to: string;
}

const SPECIFIER = /(?:\bfrom|\bimport|\bimport\(|\brequire\(|\bnew URL\()\s*(['"])(.+?)\1/g;

/** What a file imports, wherever in it, and the files that it names relative to itself. */
export function arrowsOf(file: string, text: string): Arrow[] {
  return [...text.matchAll(SPECIFIER)].map(([, , to = '']) => ({
    from: file,
    to: to.startsWith('.') ? normalize(join(dirname(file), to)).replaceAll('\\', '/') : to,
  }));
}

/** A circle among these arrows, as the files in it; undefined when there is none. */
export function findCircle(arrows: readonly Arrow[]): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { to } of arrows.filter(({ from }) => from === file)) {
      const circle = visit(to, [...path, file]);
      if (circle) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const { from } of arrows) {
    const circle = visit(from, []);
    if (circle) return circle;
  }
  return undefined;
}

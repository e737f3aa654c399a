import { mkdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileSystemTrouble } from '../../../system/process/user-error.ts';
import { writeWhole } from '../../../system/write-whole.ts';
import { reportName } from '../class-records.ts';
import type { GradeBook } from '../grade-book.ts';
import { classPage } from './class-page.ts';

/**
 * Writes the page of a class.
 *
 * @throws UserError when the file cannot be written
 */
export function writePage(
  book: GradeBook,
  { file, hasPoints }: { readonly file: string; readonly hasPoints: boolean },
): void {
  const students = relative(dirname(file), join(book.folder, 'students'));
  // A name may hold what means something in an address.
  const addressOf = (path: string) => path.split(sep).map(encodeURIComponent).join('/');
  const reportOf = (student: string) =>
    `./${addressOf(join(students, `${reportName(student)}.md`))}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeWhole(file, classPage(book.records, book.run, { hasPoints, reportOf }));
  } catch (error) {
    throw fileSystemTrouble(error, `write ${file}`);
  }
}

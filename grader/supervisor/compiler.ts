// Compiles one submission, in a process of its own: `node COMPILER ROOT FILE OUTFILE`. What comes of it goes to standard output, as JSON.
import { compileSubmission } from './compile-submission.ts';

const [, , root = '', file = '', outfile = ''] = process.argv;

void compileSubmission(file, outfile, root).then((compiled) =>
  process.stdout.write(JSON.stringify(compiled)),
);

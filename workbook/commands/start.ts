import { commandArguments } from '../arguments.ts';
import { readChapters } from '../book/catalogue.ts';
import { runCommand } from '../process/lifetime.ts';
import { colour } from '../terminal/colour.ts';
import { paragraph } from '../terminal/paragraph.ts';
import { print } from '../terminal/print.ts';

runCommand(async () => {
  commandArguments({ usage: ['npm start'] });
  print(colour.bold('The Redis Streams workbook'));
  print('');
  print(paragraph('A book you can run. Type what stands on the right; start with chapter 1.'));
  print('');
  for (const { number, title } of readChapters()) {
    print(row(`${number}  ${title}`, `npm run chapter ${number}`));
  }
  print('');
  print(row('All programs, one by one', 'npm run chapter'));
  print(row('A Redis for several terminals', 'npm run redis'));
  print(row('A prompt on it', 'npm run cli'));
  print(row('Is anything missing here?', 'npm run doctor'));
  return 0;
});

function row(what: string, command: string): string {
  return `  ${what.padEnd(36)}${colour.cyan(command)}`;
}

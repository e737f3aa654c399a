import { stripVTControlCharacters } from 'node:util';

// Reverse video is no colour: it is there with NO_COLOR too.
const MARK = '\u001b[7m';
const UNMARK = '\u001b[27m';
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
const COLOUR = /(\u001b\[[\d;]*m)/;

/** Whether a line has this text in it, in capitals or not, whatever its colours are. */
export function hasText(line: string, wanted: string): boolean {
  return placesOf(stripVTControlCharacters(line), wanted).length > 0;
}

/** The line with every place marked where it has this text. Its colours stay. */
export function markText(line: string, wanted: string): string {
  const places = placesOf(stripVTControlCharacters(line), wanted);
  if (places.length === 0) return line;
  const isFound = (at: number) => places.some((start) => at >= start && at < start + wanted.length);
  let at = 0;
  let marked = '';
  let isMarked = false;
  for (const [index, part] of line.split(COLOUR).entries()) {
    // Every second part is a colour, and takes no place.
    if (index % 2 === 1) {
      marked += part;
      continue;
    }
    for (let offset = 0; offset < part.length; offset++, at++) {
      if (isFound(at) !== isMarked) {
        isMarked = !isMarked;
        marked += isMarked ? MARK : UNMARK;
      }
      marked += part[offset];
    }
  }
  return isMarked ? marked + UNMARK : marked;
}

/** Where a text begins in another one; places do not overlap. */
function placesOf(text: string, wanted: string): number[] {
  const [where, what] = [text.toLowerCase(), wanted.toLowerCase()];
  const places: number[] = [];
  if (what === '') return places;
  for (let at = where.indexOf(what); at !== -1; at = where.indexOf(what, at + what.length)) {
    places.push(at);
  }
  return places;
}

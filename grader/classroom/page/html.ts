import { stripVTControlCharacters } from 'node:util';
import { visible } from '../../../system/terminal/width.ts';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What is markup already. Everything else is text. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | undefined | Markup | readonly Value[];

/** A template whose values become text: whatever is in them, none of it is markup. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.map((part, index) => part + markupOf(values[index])).join(''));
}

function markupOf(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
  return value.map(markupOf).join('');
}

function escaped(text: string): string {
  const plain = visible(stripVTControlCharacters(text));
  return plain.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}

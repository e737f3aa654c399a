import { Lexer, type MarkedToken, marked, type Token, type Tokens } from 'marked';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { padded, widthOf } from '../../system/terminal/width.ts';
import { NO_BREAK } from '../../system/terminal/wrap.ts';

const INDENT = '  ';
const SUMMARY = /<summary>([\s\S]*?)<\/summary>/;
const TEXT_TWIN = /^<!-- text\n([\s\S]*?)\n?-->/;

/**
 * A lesson as a terminal shows it: headings and code in colour, paragraphs wrapped, tables in columns. A diagram needs a browser,
 * or an editor. Its twin in plain text stands in a comment before it, which only a terminal shows: `<!-- text`.
 */
export function lessonText(markdown: string): string {
  return blocks(marked.lexer(markdown), '').join('\n\n');
}

function blocks(tokens: readonly Token[], indent: string): string[] {
  const shown = tokens.filter((token) => token.type !== 'space');
  return shown.flatMap((token, at) => {
    const before = shown[at - 1];
    // A diagram whose twin has just been shown. One without a twin is shown as it was written.
    if (isDiagram(token) && before && twinOf(before) !== undefined) return [];
    return block(token, indent) ?? [];
  });
}

function isDiagram(token: Token): boolean {
  return isA(token, 'code') && token.lang === 'mermaid';
}

function twinOf(token: Token): string | undefined {
  return isA(token, 'html') ? TEXT_TWIN.exec(token.raw)?.[1] : undefined;
}

/** The few marks that lessons use where Markdown does not reach. */
function fromHtml(text: string): Token[] {
  return Lexer.lexInline(text.replaceAll(/<\/?code>/g, '`').replaceAll('&gt;', '>'));
}

function indented(text: string, indent: string): string {
  return text.replaceAll(/^(?=.)/gm, `${indent}${INDENT}`);
}

function block(token: Token, indent: string): string | undefined {
  if (isA(token, 'heading')) {
    // Where there are no colours, the marks say what is a heading.
    const mark = colour.isColorSupported ? '' : `${'#'.repeat(token.depth)} `;
    return colour.bold(colour.cyan(paragraph(mark + plain(token.tokens), indent)));
  }
  if (isA(token, 'paragraph') || isA(token, 'text')) {
    return paragraph(inline(token.tokens ?? [token]), indent);
  }
  if (isA(token, 'code')) {
    return token.text
      .split('\n')
      .map((line) => `${indent}${INDENT}${colour.yellow(line)}`)
      .join('\n');
  }
  const question = isA(token, 'html') ? SUMMARY.exec(token.raw)?.[1] : undefined;
  // What GitHub folds away below a question just follows it.
  if (question !== undefined) return colour.bold(paragraph(inline(fromHtml(question)), indent));
  const twin = twinOf(token);
  if (twin !== undefined) return indented(twin, indent);
  if (isA(token, 'list')) {
    return token.items
      .map((item, index) => {
        const mark = token.ordered ? `${Number(token.start || 1) + index}. ` : '- ';
        const inner = indent + ' '.repeat(mark.length);
        return indent + mark + blocks(item.tokens, inner).join('\n').slice(inner.length);
      })
      .join('\n');
  }
  if (isA(token, 'blockquote')) return blocks(token.tokens, `${indent}| `).join(`\n${indent}|\n`);
  if (isA(token, 'table')) return table(token, indent);
  if (isA(token, 'hr')) return `${indent}---`;
  return undefined;
}

function table({ header, rows }: Tokens.Table, indent: string): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => plain(cell.tokens)));
  const widths = header.map((_, at) => Math.max(...cells.map((row) => widthOf(row[at] ?? ''))));
  const line = (row: readonly string[]) =>
    `${indent}${row.map((cell, at) => padded(cell, widths[at] ?? 0)).join('   ')}`.trimEnd();
  const [head = [], ...body] = cells;
  const last = widths.at(-1) ?? 0;
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 3, indent.length);
  const wrapped = body.map((row) => {
    if (before + last <= 80) return line(row);
    // The last column is the long one: it goes on below itself.
    const first = line(row.slice(0, -1));
    const rest = paragraph(row.at(-1) ?? '', ' '.repeat(Math.min(before, 40)));
    return before <= 40 ? padded(first, before) + rest.trimStart() : `${first}\n${rest}`;
  });
  return [colour.bold(line(head)), ...wrapped].join('\n');
}

function inline(tokens: readonly Token[]): string {
  return tokens.map((token) => span(token)).join('');
}

function span(token: Token): string {
  if (isA(token, 'codespan')) return colour.yellow(token.text.replaceAll(' ', NO_BREAK));
  if (isA(token, 'strong')) return colour.bold(inline(token.tokens));
  if (isA(token, 'em')) return colour.italic(inline(token.tokens));
  if (isA(token, 'link')) return linked(token);
  if (isA(token, 'br')) return '\n';
  if ('tokens' in token && token.tokens) return inline(token.tokens);
  return 'text' in token ? String(token.text).replaceAll(/\s*\n\s*/g, ' ') : token.raw;
}

/** An address on the web is worth showing; where a link leads within the workbook, the text says. */
function linked({ href, tokens }: Tokens.Link): string {
  const text = inline(tokens);
  return /^https?:/.test(href) && plain(tokens) !== href ? `${text} (${href})` : text;
}

function plain(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if ('tokens' in token && token.tokens) return plain(token.tokens);
      return 'text' in token ? String(token.text) : token.raw;
    })
    .join('');
}

/** The lexer's types end in one for extensions, which any name fits. */
function isA<Type extends MarkedToken['type']>(
  token: Token,
  type: Type,
): token is Extract<MarkedToken, { type: Type }> {
  return token.type === type;
}

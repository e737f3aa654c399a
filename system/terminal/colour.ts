import picocolors from 'picocolors';

/**
 * Colour only where a person looks: on a terminal, unless `NO_COLOR` asks for none or `FORCE_COLOR`
 * asks for it anyway (https://no-color.org).
 */
function wantsColour(): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0';
  return process.stdout.isTTY === true && TERM !== 'dumb';
}

export const colour = picocolors.createColors(wantsColour());

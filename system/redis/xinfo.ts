/** What XINFO says about one thing: it answers with names and values in turn. */
export function asRecord(reply: unknown): ReadonlyMap<string, unknown> {
  const record = new Map<string, unknown>();
  if (!Array.isArray(reply)) return record;
  for (let at = 0; at < reply.length; at += 2) record.set(String(reply[at]), reply[at + 1]);
  return record;
}

/** What it says about several: groups, consumers. */
export function asRecords(reply: unknown): ReadonlyMap<string, unknown>[] {
  return Array.isArray(reply) ? reply.map(asRecord) : [];
}

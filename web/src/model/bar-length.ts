const unitNs: Readonly<Record<string, bigint>> = { s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n };

/** How long bars by the clock last, ns; null for all others, and for days, which zones make longer or shorter. */
export function barLengthNs(bars: string): bigint | null {
  const [, count, unit] = /^(\d+)([smh])$/.exec(bars) ?? [];
  const one = unitNs[unit ?? ""];
  return count === undefined || one === undefined ? null : BigInt(count) * one;
}
